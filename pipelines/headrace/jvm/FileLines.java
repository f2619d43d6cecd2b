package headrace;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.zip.GZIPInputStream;
import org.apache.spark.sql.api.java.UDF2;

/**
 * A file's bytes become its records: a line each, every byte kept.
 *
 * <p>Lines end with a line feed; a carriage return before it is part of the line, an empty line is a record, and what
 * follows the last line feed is a record if it is not empty. A file that is compressed by gzip is unpacked first. One
 * that is of another format, as UTF-16 or zip, or cannot be unpacked, or only to more bytes than the second argument
 * says, is one record, all of it; unless a line in it is a record after all, and only the first is not.
 */
public final class FileLines implements UDF2<byte[], Integer, List<byte[]>> {
    private static final long serialVersionUID = 1L;

    @Override
    public List<byte[]> call(byte[] content, Integer most) {
        byte[] text = Format.of(content) == Format.GZIP ? unpacked(content, most) : content;
        List<byte[]> lines = lines(text);
        boolean whole = Format.of(text) != null && lines.stream().noneMatch(FileLines::isRecord);
        return whole ? List.of(text) : lines;
    }

    private static List<byte[]> lines(byte[] text) {
        List<byte[]> lines = new ArrayList<>();
        int from = 0;
        for (int at = 0; at < text.length; at++) {
            if (text[at] == '\n') {
                lines.add(Arrays.copyOfRange(text, from, at));
                from = at + 1;
            }
        }
        if (from < text.length) {
            lines.add(Arrays.copyOfRange(text, from, text.length));
        }
        return lines;
    }

    private static boolean isRecord(byte[] line) {
        int last = line.length - 1;
        if (last > 0 && line[last] == '\r') {
            last--;
        }
        return last > 0 && line[0] == '{' && line[last] == '}' && Utf8.isValid(line);
    }

    /** What was compressed, or what was given where that cannot be had. */
    private static byte[] unpacked(byte[] content, int most) {
        try (GZIPInputStream stream = new GZIPInputStream(new ByteArrayInputStream(content))) {
            byte[] text = stream.readNBytes(most);
            return stream.read() < 0 ? text : content;
        } catch (IOException damaged) {
            return content;
        }
    }
}
