package shop.mobileclip.search

import java.io.IOException

/** What went wrong, for an app that says it in its own words: an error's message names files and is for developers. */
public enum class ErrorKind {
    /** A file is not there. */
    MISSING,

    /** A file is damaged, cut, or of another format or version. */
    DAMAGED,

    /** Files that are whole, but do not belong together: another embedding space, catalog, currency or width. */
    MISMATCHED,

    /** A picture cannot be read: it is none, it is damaged, or it is too large for this phone. */
    PICTURE,

    /** There is too little memory. */
    MEMORY,

    /** Anything else; mostly a mistake of the app's own. */
    OTHER,
    ;

    public companion object {
        /** The kind of anything that this library threw, or gave in [SearchOutcome.Failed]. */
        @JvmStatic
        public fun of(error: Throwable): ErrorKind = when {
            generateSequence(error) { it.cause }.take(DEEPEST).any { it is OutOfMemoryError } -> MEMORY
            error is BadFileException -> error.kind
            error is BadPictureException -> PICTURE
            else -> OTHER
        }

        private const val DEEPEST = 10 // causes may go round in a circle
    }
}

/** A picture that cannot be searched with. Its message is one line that says why; [cause] is the decoder's own error. */
public class BadPictureException @JvmOverloads constructor(message: String, cause: Throwable? = null) :
    IOException(message, cause)
