package shop.mobileclip.search

import java.io.IOException

/**
 * A file that cannot be used: missing, damaged, of another kind or version, or of another embedding space.
 *
 * The one exception that reading the manifest, the tokenizer asset, an encoder or a catalog throws. Its message is one
 * line that names the file and what is wrong with it.
 */
public class BadFileException @JvmOverloads constructor(
    message: String,
    cause: Throwable? = null,
    /** [ErrorKind.MISSING], [ErrorKind.DAMAGED] or [ErrorKind.MISMATCHED]. */
    public val kind: ErrorKind = ErrorKind.DAMAGED,
) : IOException(message, cause)
