package headrace;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** What a contract says of a record's shape: its fields, and what can be wrong with each, in the order it is told. */
final class Shape {
    /** The kinds of a contract's fields, by the words of its file. */
    enum Kind { STRING, INTEGER, NUMBER, DECIMAL, BOOLEAN, TIMESTAMP, DATE, TIME, OBJECT, ARRAY }

    /** One thing that can be wrong: its code, and the path of the field. */
    record Misfit(String code, String path) {}

    /** One field, member or item. The numbers are places in {@link Shape#misfits}. */
    static final class Field {
        /** What it is sent as, which is not always its name. */
        final String member;
        final byte[] bytes;
        final Kind kind;
        final boolean coerce;
        final boolean required;
        final int precision;
        final int scale;
        final Field[] members;
        final Field items;
        final int wrongCase;
        final int outOfRange;
        final int inexact;
        final int nonFinite;
        final int wrongType;
        final int missing;

        private Field(JsonNode told, String path, List<Misfit> misfits) {
            member = told.get("member").asText();
            bytes = member.getBytes(StandardCharsets.UTF_8);
            kind = Kind.valueOf(told.get("kind").asText().toUpperCase(Locale.ROOT));
            coerce = told.get("coerce").asBoolean();
            required = told.get("required").asBoolean();
            precision = told.get("precision").asInt();
            scale = told.get("scale").asInt();
            wrongCase = add("wrong_case", path, misfits);
            outOfRange = add("out_of_range", path, misfits);
            inexact = add("inexact_decimal", path, misfits);
            nonFinite = add("non_finite", path, misfits);
            wrongType = add("wrong_type", path, misfits);
            members = fields(told.get("members"), path + ".", misfits);
            items = told.get("items").isNull() ? null : new Field(told.get("items"), path + "[]", misfits);
            missing = add("required", path, misfits);
        }

        private static int add(String code, String path, List<Misfit> misfits) {
            misfits.add(new Misfit(code, path));
            return misfits.size() - 1;
        }
    }

    final Field[] fields;
    final Misfit[] misfits;
    final long maxBytes;
    private final Map<String, String> messages = new HashMap<>();

    private Shape(JsonNode told) {
        List<Misfit> listed = new ArrayList<>();
        fields = fields(told.get("fields"), "", listed);
        misfits = listed.toArray(Misfit[]::new);
        maxBytes = told.get("max_bytes").asLong();
        told.get("messages").properties().forEach(each -> messages.put(each.getKey(), each.getValue().asText()));
    }

    /** The shape that {@code contracts/reading.py} has written down as JSON. */
    static Shape of(byte[] contract) {
        try {
            return new Shape(new ObjectMapper().readTree(contract));
        } catch (IOException error) {
            throw new UncheckedIOException(error);
        }
    }

    /** What is told to people of a code. */
    String message(String code) {
        return messages.get(code);
    }

    private static Field[] fields(JsonNode told, String prefix, List<Misfit> misfits) {
        Field[] fields = new Field[told.size()];
        for (int place = 0; place < fields.length; place++) {
            JsonNode one = told.get(place);
            fields[place] = new Field(one, prefix + one.get("name").asText(), misfits);
        }
        return fields;
    }
}
