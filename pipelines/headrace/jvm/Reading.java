package headrace;

import headrace.Shape.Field;
import headrace.Shape.Kind;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;

/** One record, read once from its first byte to its last. */
final class Reading extends Json {
    private static final double[] POWERS = {
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15
    };
    private static final int EXACT_DIGITS = 15;
    private static final int LONG_DIGITS = 18;

    private final Shape shape;
    /** What is wrong, by its place among the shape's misfits, with what was found there instead. */
    private String[] wrong;
    private Map<String, String> others;
    private boolean unknownWithin;
    /** What the bytes are, where that is not JSON. */
    private Format format;

    Reading(byte[] bytes, Shape shape) {
        super(bytes);
        this.shape = shape;
    }

    /** The reasons, the other members and the values, as {@link ReadRecord} gives them. */
    Row row() {
        Row sent = null;
        try {
            sent = record();
        } catch (Unreadable unreadable) {
            // What it was is among the faults.
        }
        if (!faults.isEmpty()) {
            return RowFactory.create(ofFaults(), null, null);
        }
        return RowFactory.create(ofShape(), others, sent);
    }

    private Row record() {
        if (bytes == null) {
            throw stopped("tombstone");
        }
        format = Format.of(bytes);
        if (format != null) {
            throw stopped("foreign_format");
        }
        if (bytes.length > shape.maxBytes) {
            throw stopped("too_large");
        }
        if (!Utf8.isValid(bytes)) {
            throw stopped("invalid_utf8");
        }
        if (bytes.length >= 3 && bytes[0] == (byte) 0xef && bytes[1] == (byte) 0xbb && bytes[2] == (byte) 0xbf) {
            at = 3; // A byte order mark, which a parser may ignore: RFC 8259, section 8.1.
        }
        if (blank()) {
            throw stopped("empty");
        }
        Row sent = null;
        if (next() == '{') {
            sent = members(shape.fields, 1, true);
        } else {
            skip(1);
        }
        if (!ended()) {
            throw stopped("trailing_content");
        }
        if (sent == null) {
            throw stopped("not_an_object");
        }
        return sent;
    }

    private boolean blank() {
        for (int place = at; place < bytes.length; place++) {
            byte one = bytes[place];
            if (one != ' ' && (one < '\t' || one > '\r')) {
                return false;
            }
        }
        return true;
    }

    /** Read an object whose members are these fields. */
    private Row members(Field[] fields, int depth, boolean outermost) {
        within(depth);
        Object[] values = new Object[fields.length];
        boolean[] seen = new boolean[fields.length];
        boolean[] given = new boolean[fields.length];
        if (!empty('}')) {
            Set<String> unknown = null;
            int likely = 0;
            do {
                int key = key();
                int place = known(fields, key, likely);
                if (place < 0) {
                    unknown = unknown == null ? new HashSet<>() : unknown;
                    unknown(text(key), unknown, fields, depth, outermost);
                    continue;
                }
                expect(':');
                if (seen[place]) {
                    faults.add("duplicate_key");
                }
                seen[place] = true;
                given[place] = next() != 'n';
                int from = at;
                unknownWithin &= !outermost;
                values[place] = value(fields[place], depth);
                if (outermost && unknownWithin) {
                    keep(fields[place].member, from);
                }
                likely = place + 1;
            } while (follows('}'));
        }
        for (int place = 0; place < fields.length; place++) {
            if (fields[place].required && !given[place]) {
                misfit(fields[place].missing, "");
            }
        }
        return RowFactory.create(values);
    }

    /** The place of the field that is sent as the key which was read last and began there; -1 if none is. */
    private int known(Field[] fields, int key, int likely) {
        if (escaped) {
            String name = text(key);
            for (int place = 0; place < fields.length; place++) {
                if (fields[place].member.equals(name)) {
                    return place;
                }
            }
            return -1;
        }
        for (int count = 0; count < fields.length; count++) {
            int place = likely + count < fields.length ? likely + count : likely + count - fields.length;
            if (isAt(key, fields[place].bytes)) {
                return place;
            }
        }
        return -1;
    }

    private boolean isAt(int key, byte[] name) {
        int to = at - 1;
        return to - key == name.length && Arrays.equals(bytes, key, to, name, 0, name.length);
    }

    private void unknown(String name, Set<String> names, Field[] fields, int depth, boolean outermost) {
        expect(':');
        unique(name, names);
        for (Field field : fields) {
            if (field.member.equalsIgnoreCase(name)) {
                misfit(field.wrongCase, "");
            }
        }
        next();
        int from = at;
        skip(depth + 1);
        if (outermost) {
            keep(name, from);
        } else if (fields.length > 0) {
            unknownWithin = true;
        }
    }

    private void keep(String name, int from) {
        others = others == null ? new LinkedHashMap<>() : others;
        others.put(name, raw(from));
    }

    /** Read a value of the field; null where it is null, or not one. */
    private Object value(Field field, int depth) {
        switch (next()) {
            case '"':
                return ofString(field);
            case '{':
                if (field.kind == Kind.OBJECT) {
                    return members(field.members, depth + 1, false);
                }
                break;
            case '[':
                if (field.kind == Kind.ARRAY) {
                    return items(field.items, depth + 1);
                }
                break;
            case 't':
            case 'f':
                if (field.kind == Kind.BOOLEAN) {
                    boolean value = bytes[at] == 't';
                    word(value ? "true" : "false");
                    return value;
                }
                break;
            case 'n':
                word("null");
                return null;
            default:
                return ofNumber(field);
        }
        return misfit(field.wrongType, skip(depth + 1));
    }

    private Object[] items(Field field, int depth) {
        within(depth);
        List<Object> items = new ArrayList<>();
        if (!empty(']')) {
            do {
                if (next() == 'n' && field.required) {
                    misfit(field.missing, "");
                }
                items.add(value(field, depth));
            } while (follows(']'));
        }
        return items.toArray();
    }

    private Object ofString(Field field) {
        int from = at + 1;
        string();
        switch (field.kind) {
            case STRING, TIMESTAMP, DATE, TIME:
                return text(from);
            case INTEGER, NUMBER, DECIMAL, BOOLEAN:
                return field.coerce ? coerced(field, text(from)) : misfit(field.wrongType, "string");
            default:
                return misfit(field.wrongType, "string");
        }
    }

    /** The value a text says, which has to be written as JSON writes it. */
    private Object coerced(Field field, String text) {
        Json said = new Json(text.getBytes(StandardCharsets.UTF_8));
        String found = "string";
        try {
            found = said.skip(1);
        } catch (Unreadable unreadable) {
            // Then it is no more than a text.
        }
        if (text.isEmpty() || said.at < said.bytes.length || Character.isWhitespace(text.charAt(0))) {
            found = "string";
        }
        if (field.kind == Kind.BOOLEAN && found.equals("boolean")) {
            return text.equals("true");
        }
        boolean number = found.equals("integer") || found.equals("number");
        return number ? ofNumber(field, text, found) : misfit(field.wrongType, found);
    }

    private Object ofNumber(Field field) {
        int from = at;
        number();
        if (field.kind == Kind.INTEGER && whole && at - from <= LONG_DIGITS) {
            return ofDigits(from);
        }
        if (field.kind == Kind.NUMBER && at - from <= EXACT_DIGITS) {
            double value = ofFewDigits(from);
            if (!Double.isNaN(value)) {
                return value;
            }
        }
        return ofNumber(field, raw(from), whole ? "integer" : "number");
    }

    /** A number as the field's kind has it. One that is too long takes too long, and cannot be any. */
    private Object ofNumber(Field field, String text, String found) {
        boolean known = field.kind == Kind.NUMBER || field.kind == Kind.DECIMAL;
        if (!known && !(field.kind == Kind.INTEGER && found.equals("integer"))) {
            return misfit(field.wrongType, found);
        }
        if (text.length() > LONGEST_NUMBER) {
            return misfit(field.outOfRange, "");
        }
        if (field.kind == Kind.NUMBER) {
            double value = Double.parseDouble(text);
            return Double.isInfinite(value) ? misfit(field.nonFinite, "") : value;
        }
        try {
            return field.kind == Kind.INTEGER ? (Object) Long.valueOf(text) : ofDecimal(field, new BigDecimal(text));
        } catch (NumberFormatException beyond) {
            return misfit(field.outOfRange, "");
        }
    }

    /** The whole number from there to here. */
    private long ofDigits(int from) {
        boolean negative = bytes[from] == '-';
        long value = 0;
        for (int place = negative ? from + 1 : from; place < at; place++) {
            value = value * 10 + (bytes[place] - '0');
        }
        return negative ? -value : value;
    }

    /**
     * The number from there to here; NaN where it has an exponent. Digits that a double holds exactly, over a power
     * of ten that it holds too, are the nearest double (Clinger, How to read floating point numbers accurately, 1990).
     */
    private double ofFewDigits(int from) {
        boolean negative = bytes[from] == '-';
        long digits = 0;
        int point = at;
        for (int place = negative ? from + 1 : from; place < at; place++) {
            byte one = bytes[place];
            if (one == '.') {
                point = place + 1;
            } else if (one >= '0' && one <= '9') {
                digits = digits * 10 + (one - '0');
            } else {
                return Double.NaN;
            }
        }
        double value = digits / POWERS[at - point];
        return negative ? -value : value;
    }

    private Object ofDecimal(Field field, BigDecimal value) {
        if (value.signum() == 0) {
            return BigDecimal.ZERO.setScale(field.scale);
        }
        if ((long) value.precision() - value.scale() > field.precision - field.scale) {
            return misfit(field.outOfRange, "");
        }
        BigDecimal shortest = value.stripTrailingZeros();
        return shortest.scale() > field.scale ? misfit(field.inexact, "") : shortest.setScale(field.scale);
    }

    /** Remember the first of its kind. Null, for a value that is none. */
    private Object misfit(int place, String found) {
        wrong = wrong == null ? new String[shape.misfits.length] : wrong;
        wrong[place] = wrong[place] == null ? found : wrong[place];
        return null;
    }

    private Row[] ofFaults() {
        String found = format == null ? "" : format.title;
        return faults.stream().map(code -> reason(code, code, null, found)).toArray(Row[]::new);
    }

    private Row[] ofShape() {
        if (wrong == null) {
            return null;
        }
        List<Row> reasons = new ArrayList<>();
        for (int place = 0; place < wrong.length; place++) {
            if (wrong[place] != null) {
                Shape.Misfit misfit = shape.misfits[place];
                reasons.add(reason(misfit.code(), misfit.path() + "." + misfit.code(), misfit.path(), wrong[place]));
            }
        }
        return reasons.toArray(Row[]::new);
    }

    private Row reason(String code, String rule, String path, String found) {
        return RowFactory.create(code, rule, path, shape.message(code) + (found.isEmpty() ? "" : ": " + found));
    }
}
