package headrace;

import java.io.File;
import java.io.Serializable;
import org.apache.hadoop.conf.Configurable;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.PathFilter;

/**
 * Which files of a source's folder Spark gets to see: those that lie in it themselves and that it can read.
 *
 * <p>One it cannot read would end every batch it is in. What is not seen is not taken down as read, so it comes in by
 * itself once it can be read. Of files elsewhere than on this machine only the folder and the name are looked at; where
 * no folder is set, what is listed is no source, and all of it is let through.
 */
public final class SourceFiles implements PathFilter, Configurable, Serializable {
    private static final long serialVersionUID = 1L;

    private String folder;
    private long mostBytes;

    @Override
    public void setConf(Configuration settings) {
        String path = settings.get("headrace.source.folder");
        folder = path == null ? null : new Path(path).toUri().getPath();
        mostBytes = settings.getLong("headrace.source.max_file_bytes", Long.MAX_VALUE);
    }

    @Override
    public Configuration getConf() {
        return null;
    }

    @Override
    public boolean accept(Path path) {
        if (folder == null) {
            return true;
        }
        String name = path.getName();
        // Spark itself lets some of these names through.
        boolean hidden = name.startsWith(".") || name.startsWith("_");
        return !hidden && path.getParent().toUri().getPath().equals(folder) && isReadable(path);
    }

    private boolean isReadable(Path path) {
        String scheme = path.toUri().getScheme();
        if (scheme != null && !scheme.equals("file")) {
            return true;
        }
        File file = new File(path.toUri().getPath());
        return file.isFile() && file.canRead() && file.length() <= mostBytes;
    }
}
