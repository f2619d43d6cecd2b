package headrace;

/** What bytes are that are neither JSON nor lines of it, by how they begin. Nothing that is JSON begins so. */
enum Format {
    GZIP("gzip (a file of it is read, unless it is damaged or unpacks to more than max_file_bytes)", 0x1f, 0x8b),
    ZSTD("zstd", 0x28, 0xb5, 0x2f, 0xfd),
    XZ("xz", 0xfd, '7', 'z', 'X', 'Z', 0),
    LZ4("lz4", 0x04, 0x22, 0x4d, 0x18),
    BZIP2("bzip2", 'B', 'Z', 'h', Any.BYTE, 0x31, 0x41, 0x59, 0x26, 0x53, 0x59),
    ZIP("zip", 'P', 'K', 3, 4),
    AVRO("Avro", 'O', 'b', 'j', 1),
    PARQUET("Parquet", 'P', 'A', 'R', '1', 0x15),
    UTF_32("UTF-32", 0xff, 0xfe, 0, 0),
    UTF_16_LITTLE("UTF-16", 0xff, 0xfe),
    UTF_16_BIG("UTF-16", 0xfe, 0xff);

    final String title;
    private final int[] beginning;

    Format(String title, int... beginning) {
        this.title = title;
        this.beginning = beginning;
    }

    /** The format of the bytes, null if they may be text in UTF-8. */
    static Format of(byte[] bytes) {
        for (Format format : values()) {
            if (format.begins(bytes)) {
                return format;
            }
        }
        return of16(bytes);
    }

    /** Text in UTF-16 without a byte order mark: JSON begins with two characters of ASCII (RFC 4627, section 3). */
    private static Format of16(byte[] bytes) {
        if (bytes.length < 4) {
            return null;
        }
        boolean little = bytes[0] != 0 && bytes[1] == 0 && bytes[2] != 0 && bytes[3] == 0;
        boolean big = bytes[0] == 0 && bytes[1] != 0 && bytes[2] == 0 && bytes[3] != 0;
        return little ? UTF_16_LITTLE : big ? UTF_16_BIG : null;
    }

    /** Stands for any byte; a constant of the enum itself is not there yet when its values are made. */
    private static final class Any {
        static final int BYTE = -1;
    }

    private boolean begins(byte[] bytes) {
        if (bytes.length < beginning.length) {
            return false;
        }
        for (int at = 0; at < beginning.length; at++) {
            if (beginning[at] != Any.BYTE && beginning[at] != (bytes[at] & 0xff)) {
                return false;
            }
        }
        return true;
    }
}
