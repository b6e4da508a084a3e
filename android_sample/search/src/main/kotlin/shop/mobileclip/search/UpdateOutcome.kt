package shop.mobileclip.search

import java.io.File

/** What went wrong with an update; in each case the catalog that was in force stays in force. */
public enum class UpdateErrorKind {
    /** The network, or the server: try again later. What came is kept. */
    NETWORK,

    /** The statement is not to be followed: its signature, its name, an older number, encoders that it lacks, its form. */
    REFUSED,

    /** Bytes that are not those of the statement. */
    DAMAGED,

    /** The disk: mostly, it is full. */
    DISK,
}

/** How an update got its catalog. */
public enum class UpdateWay {
    /** By what changed. */
    DELTA,

    /** Whole. */
    WHOLE,

    /** Not at all: it is the one that was in force; only the statement is a new one. */
    SAME,
}

/** How an update ended. */
public sealed class UpdateOutcome {
    /** Nothing newer is there. */
    public class Current internal constructor(
        /** The number of the statement in force. */
        public val number: Long,
        /** Whether prices are no longer to be trusted. */
        public val isExpired: Boolean,
    ) : UpdateOutcome()

    /**
     * [catalog] is in force: give it to [StaffProducts.rebase] or [Searcher.use]. Where its space is not that of the catalog
     * until now, other encoders are, too: then it takes a new [Searcher] of both.
     */
    public class Updated internal constructor(
        public val catalog: ProductCatalog,
        /** The number of the statement in force. */
        public val number: Long,
        public val way: UpdateWay,
        /** How many bytes came, the statement's too. */
        public val bytesFetched: Long,
        /** Whether prices are not to be trusted, though it is the newest. */
        public val isExpired: Boolean,
        /** The folder of the encoders in force, which an update brought; null: the app's own. */
        public val encoders: File?,
    ) : UpdateOutcome()

    /** What was in force stays in force. [error]'s message is one line, for developers. */
    public class Failed internal constructor(public val kind: UpdateErrorKind, public val error: Exception) :
        UpdateOutcome()

    /** It was cancelled. What came is kept for the next time. */
    public object Cancelled : UpdateOutcome()
}

/** What is searched when an app starts. */
public class CatalogInForce internal constructor(
    /** The one of the last update, or the app's own. */
    public val catalog: ProductCatalog,
    /** The number of the statement in force; 0 for the app's own catalog without one. */
    public val number: Long,
    /** Whether prices are no longer to be trusted: say so, and search on. */
    public val isExpired: Boolean,
    /** Why what an earlier update kept is not in force, for the app's statistics; null where nothing was wrong. */
    public val problem: BadFileException?,
    /** The folder of the encoders that an update brought, `manifest.json` in it; null: the app's own. */
    public val encoders: File?,
)

/** An update that ends here. */
internal class UpdateFault(val kind: UpdateErrorKind, message: String, cause: Throwable? = null) :
    Exception(message, cause)
