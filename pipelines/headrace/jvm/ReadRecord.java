package headrace;

import org.apache.spark.sql.Row;
import org.apache.spark.sql.api.java.UDF2;

/**
 * A record's bytes and what its contract says of its shape, as JSON, become {@code STRUCT<reasons, others, sent>}.
 *
 * <p>{@code sent} has the values of the contract's fields, null where the bytes are no JSON object; {@code reasons}
 * what is wrong with the bytes or their shape, null where nothing is; {@code others} the members that no field is
 * named as, null where there are none. No bytes make it raise.
 */
public final class ReadRecord implements UDF2<byte[], byte[], Row> {
    private static final long serialVersionUID = 1L;

    private transient volatile Known known;

    private record Known(byte[] contract, Shape shape) {}

    @Override
    public Row call(byte[] value, byte[] contract) {
        Known last = known;
        // A literal is one object in all rows of a task, so that its shape is made once.
        if (last == null || last.contract != contract) {
            last = new Known(contract, Shape.of(contract));
            known = last;
        }
        return new Reading(value, last.shape).row();
    }
}
