package headrace;

/** UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing beyond U+10FFFF. */
final class Utf8 {
    private Utf8() {}

    static boolean isValid(byte[] bytes) {
        int at = 0;
        while (at < bytes.length) {
            int first = bytes[at++];
            if (first >= 0) {
                continue;
            }
            first &= 0xff;
            int more = first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
            if (first < 0xc2 || first > 0xf4 || bytes.length - at < more) {
                return false;
            }
            int second = bytes[at] & 0xff;
            int least = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
            int most = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
            if (second < least || second > most) {
                return false;
            }
            for (int count = 1; count < more; count++) {
                if ((bytes[at + count] & 0xc0) != 0x80) {
                    return false;
                }
            }
            at += more;
        }
        return true;
    }
}
