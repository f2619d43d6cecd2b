package headrace;

import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.Set;

/**
 * The JSON of RFC 8259 in bytes that are UTF-8, and nothing more: no repair, no extension.
 *
 * <p>What leaves the rest readable is remembered in {@link #faults}, what does not ends it.
 */
class Json {
    static final int DEEPEST = 999;
    static final int LONGEST_NUMBER = 1_000;
    /** Spark's own parser, which may read a member's text again, takes no longer one. */
    static final int LONGEST_NAME = 50_000;

    /** The text cannot be read on. */
    static final class Unreadable extends RuntimeException {
        private static final long serialVersionUID = 1L;

        private Unreadable() {
            super(null, null, false, false);
        }
    }

    private static final Unreadable UNREADABLE = new Unreadable();

    protected final byte[] bytes;
    protected int at;
    /** Of the string that was read last: whether it has an escape, and whether all of it is ASCII. */
    protected boolean escaped;
    protected boolean ascii;
    /** Of the number that was read last: whether it has neither a fraction nor an exponent. */
    protected boolean whole;
    protected final Set<String> faults = new LinkedHashSet<>();

    Json(byte[] bytes) {
        this.bytes = bytes;
    }

    /** Remember what is wrong, and stop here. */
    final Unreadable stopped(String fault) {
        faults.add(fault);
        return UNREADABLE;
    }

    /** The byte here, behind white space. */
    final byte next() {
        while (at < bytes.length) {
            byte one = bytes[at];
            if (one != ' ' && one != '\n' && one != '\t' && one != '\r') {
                return one;
            }
            at++;
        }
        throw stopped("malformed");
    }

    /** Whether nothing but white space is left. */
    final boolean ended() {
        while (at < bytes.length && (bytes[at] == ' ' || bytes[at] == '\n' || bytes[at] == '\t' || bytes[at] == '\r')) {
            at++;
        }
        return at == bytes.length;
    }

    /** Step over this byte, which has to be the next. */
    final void expect(char wanted) {
        if (next() != wanted) {
            throw stopped("malformed");
        }
        at++;
    }

    /** Whether another member or item follows, stepping over what says so; else over the end. */
    final boolean follows(char end) {
        byte one = next();
        at++;
        if (one != ',' && one != end) {
            throw stopped("malformed");
        }
        return one == ',';
    }

    /** Whether what was opened here ends at once, stepping over the end if so. */
    final boolean empty(char end) {
        at++;
        if (next() != end) {
            return false;
        }
        at++;
        return true;
    }

    /** Step over a value, and say what it is in the words of contracts; "null" for null. */
    final String skip(int depth) {
        switch (next()) {
            case '{':
                object(depth);
                return "object";
            case '[':
                array(depth);
                return "array";
            case '"':
                string();
                return "string";
            case 't':
                word("true");
                return "boolean";
            case 'f':
                word("false");
                return "boolean";
            case 'n':
                word("null");
                return "null";
            default:
                number();
                return whole ? "integer" : "number";
        }
    }

    private void object(int depth) {
        within(depth);
        if (empty('}')) {
            return;
        }
        Set<String> names = new HashSet<>();
        do {
            unique(name(), names);
            skip(depth + 1);
        } while (follows('}'));
    }

    private void array(int depth) {
        within(depth);
        if (empty(']')) {
            return;
        }
        do {
            skip(depth + 1);
        } while (follows(']'));
    }

    final void within(int depth) {
        if (depth > DEEPEST) {
            throw stopped("too_deep");
        }
    }

    /** Read the name of a member and its colon. */
    final String name() {
        int from = key();
        String name = text(from);
        expect(':');
        return name;
    }

    /** Read the name of a member; where it begins. */
    final int key() {
        if (next() != '"') {
            throw stopped("malformed");
        }
        int from = at + 1;
        string();
        if (at - from > LONGEST_NAME) {
            throw stopped("malformed");
        }
        return from;
    }

    final void unique(String name, Set<String> names) {
        if (!names.add(name)) {
            faults.add("duplicate_key");
        }
    }

    final void word(String word) {
        for (int place = 0; place < word.length(); place++, at++) {
            if (at == bytes.length || bytes[at] != word.charAt(place)) {
                throw stopped("malformed");
            }
        }
    }

    final void number() {
        int from = at;
        if (bytes[at] == '-') {
            at++;
        }
        if (at < bytes.length && bytes[at] == '0') {
            at++;
        } else {
            digits();
        }
        whole = true;
        if (at < bytes.length && bytes[at] == '.') {
            whole = false;
            at++;
            digits();
        }
        if (at < bytes.length && (bytes[at] == 'e' || bytes[at] == 'E')) {
            whole = false;
            at++;
            if (at < bytes.length && (bytes[at] == '+' || bytes[at] == '-')) {
                at++;
            }
            digits();
        }
        if (at - from > LONGEST_NUMBER) {
            faults.add("long_number");
        }
    }

    private void digits() {
        int from = at;
        while (at < bytes.length && bytes[at] >= '0' && bytes[at] <= '9') {
            at++;
        }
        if (at == from) {
            throw stopped("malformed");
        }
    }

    /** Step over a string. Bytes above ASCII are not looked at: that they are UTF-8 was seen before. */
    final void string() {
        escaped = false;
        ascii = true;
        for (at++; at < bytes.length; at++) {
            byte one = bytes[at];
            if (one == '"') {
                at++;
                return;
            }
            if (one == '\\') {
                escaped = true;
                at++;
                escape();
            } else if (one < 0) {
                ascii = false;
            } else if (one < 0x20) {
                break;
            }
        }
        throw stopped("malformed");
    }

    /** Look at what is escaped, and stay at its last byte. */
    private void escape() {
        byte one = at < bytes.length ? bytes[at] : 0;
        if (one != 'u') {
            if ("\"\\/bfnrt".indexOf(one) < 0) {
                throw stopped("malformed");
            }
            return;
        }
        int unit = unit();
        if (Character.isLowSurrogate((char) unit)) {
            faults.add("lone_surrogate");
        } else if (Character.isHighSurrogate((char) unit)) {
            if (at + 2 < bytes.length && bytes[at + 1] == '\\' && bytes[at + 2] == 'u') {
                int before = at;
                at += 2;
                if (Character.isLowSurrogate((char) unit())) {
                    return;
                }
                at = before;
            }
            faults.add("lone_surrogate");
        }
    }

    /** The four hexadecimal digits behind the byte here. */
    private int unit() {
        int unit = 0;
        for (int count = 0; count < 4; count++) {
            at++;
            int digit = at < bytes.length ? Character.digit((char) (bytes[at] & 0xff), 16) : -1;
            if (digit < 0) {
                throw stopped("malformed");
            }
            unit = unit << 4 | digit;
        }
        return unit;
    }

    /** The bytes from there to here. */
    final String raw(int from) {
        return new String(bytes, from, at - from, StandardCharsets.UTF_8);
    }

    /** The string that was read last, which began there. */
    final String text(int from) {
        int to = at - 1;
        if (!escaped) {
            return new String(bytes, from, to - from, ascii ? StandardCharsets.ISO_8859_1 : StandardCharsets.UTF_8);
        }
        StringBuilder text = new StringBuilder(to - from);
        int plain = from;
        for (int here = from; here < to; here++) {
            if (bytes[here] != '\\') {
                continue;
            }
            text.append(new String(bytes, plain, here - plain, StandardCharsets.UTF_8));
            here++;
            switch (bytes[here]) {
                case 'b' -> text.append('\b');
                case 'f' -> text.append('\f');
                case 'n' -> text.append('\n');
                case 'r' -> text.append('\r');
                case 't' -> text.append('\t');
                case 'u' -> {
                    String unit = new String(bytes, here + 1, 4, StandardCharsets.ISO_8859_1);
                    text.append((char) Integer.parseInt(unit, 16));
                    here += 4;
                }
                default -> text.append((char) bytes[here]);
            }
            plain = here + 1;
        }
        return text.append(new String(bytes, plain, to - plain, StandardCharsets.UTF_8)).toString();
    }
}
