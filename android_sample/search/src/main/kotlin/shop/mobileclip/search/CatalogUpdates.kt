package shop.mobileclip.search

import java.io.File
import java.time.LocalDate
import java.time.ZoneOffset
import java.util.concurrent.CancellationException

/**
 * The catalog of an app that follows its shop's: FORMATS.md, "Updates". What came is kept in a folder of the app's own, which
 * holds nothing else. First [start], which says what is in force; then [update], whenever the app wants. Nothing happens by
 * itself, and whatever goes wrong, at any moment, what was in force stays in force.
 *
 * Both work on the caller's thread, not for the main one, and one at a time.
 */
public class CatalogUpdates internal constructor(
    private val name: String,
    private val space: String,
    private val keys: UpdateKeys,
    private val check: SignatureCheck,
    private val fetch: UpdateFetch,
    private val today: () -> LocalDate,
    private val folder: UpdateFolder,
    private val takesBundles: Boolean,
) {
    /** [encoders]: null for the app's own. */
    private class InForce(val catalog: ProductCatalog, val statement: UpdateStatement?, val encoders: File? = null) {
        val number: Long get() = statement?.number ?: 0
    }

    /** What came with the app. */
    private class Bundled(val catalog: ProductCatalog, val statement: ByteArray?)

    private var bundled: Bundled? = null
    private var inForce: InForce? = null
    private var highest = 0L

    /**
     * [name]: the catalog's, `shop`, say. [space]: the embedding space of the app's encoders ([ModelManifest.space]). [keys]:
     * one or two public keys, of whom either may sign, each the base64 of a DER SubjectPublicKeyInfo of P-256. [highest]: the
     * file that holds the highest number, if another than in [folder]: one that survives when the app's cache is cleared.
     * [today]: in UTC. [takesBundles]: whether the app can take encoders that come with an update, in a folder
     * ([CatalogInForce.encoders]); else a catalog for other encoders than the app's own is refused.
     *
     * @throws IllegalArgumentException for other keys, or a name that no catalog has.
     */
    @JvmOverloads
    public constructor(
        name: String,
        folder: File,
        space: String,
        keys: List<String>,
        check: SignatureCheck,
        fetch: UpdateFetch,
        highest: File = File(folder, "highest"),
        today: () -> LocalDate = { LocalDate.now(ZoneOffset.UTC) },
        takesBundles: Boolean = false,
    ) : this(
        UpdateStatement.checkedName(name),
        space,
        UpdateStatement.keys(keys),
        check,
        fetch,
        today,
        UpdateFolder(folder, name, highest, Disk.System),
        takesBundles,
    )

    /**
     * What is in force when the app starts: the catalog of the last update, or [bundled], the app's own, where there is none
     * or it does not serve: damaged, signed with a key that the app no longer has, of another embedding space since the app
     * was updated, or older than what came with the app; where its encoders came with it, also if these are not all there.
     * Nothing of that is thrown; [CatalogInForce.problem] tells it. Files of no use are deleted. [statement]: of the app's
     * own catalog, as it was published, if it came with the app.
     */
    @JvmOverloads
    @Synchronized
    public fun start(bundled: ProductCatalog, statement: ByteArray? = null): CatalogInForce {
        this.bundled = Bundled(bundled, statement)
        return started(bundled, statement, folder.statement.exists())
    }

    /**
     * Gives up the encoders in force, which came with an update and do not load on this device: they are not taken again,
     * the shop's next ones are. What the app came with is in force then, as after [start]. The app's own stay.
     *
     * @throws IllegalStateException before [start].
     */
    @Synchronized
    public fun giveUp(): CatalogInForce {
        val (old, bundled) = checkNotNull(inForce) { "nothing to give up before start()" } to checkNotNull(bundled)
        if (old.encoders == null) return CatalogInForce(old.catalog, old.number, isExpired(old.statement), null, null)
        try {
            old.statement?.manifest?.let(folder::giveUp)
        } catch (error: UpdateFault) {
            // a full disk, mostly: they may come once more
        }
        return started(bundled.catalog, bundled.statement, mayBeKept = false)
    }

    private fun started(bundled: ProductCatalog, statement: ByteArray?, mayBeKept: Boolean): CatalogInForce {
        var problem: BadFileException? = null
        fun <T> tried(read: () -> T): T? = try {
            read()
        } catch (error: BadFileException) {
            null.also { problem = problem ?: error }
        }

        val own = statement?.let { tried { bundledStatement(it, bundled) } }
        val kept = if (mayBeKept) tried { kept(bundled, own?.number ?: 0) } else null
        val found = kept ?: InForce(bundled, own)
        inForce = found
        highest = maxOf(folder.highest(), found.number)
        writeHighest()
        folder.clean(folder.parts() + if (kept == null) emptySet() else used(kept))
        return CatalogInForce(found.catalog, found.number, isExpired(found.statement), problem, found.encoders)
    }

    /**
     * Fetches the statement, and, if it is a newer one, the encoders, where it brings some that are not there, and the
     * catalog: what changed, where there is a delta from the one in force, else whole, going on where an earlier download
     * ended. After [UpdateOutcome.Updated] the new catalog is in force, at the next start too; the old one may be searched for
     * as long as it is wanted. [isCancelled] is asked between blocks.
     *
     * @throws IllegalStateException before [start].
     */
    @JvmOverloads
    @Synchronized
    public fun update(isCancelled: () -> Boolean = { false }): UpdateOutcome {
        val old = checkNotNull(inForce) { "an update before start()" }
        return try {
            updated(old, UpdateRun(folder, fetch, isCancelled))
        } catch (error: UpdateFault) {
            UpdateOutcome.Failed(error.kind, error)
        } catch (error: CancellationException) {
            UpdateOutcome.Cancelled
        }
    }

    private fun updated(old: InForce, run: UpdateRun): UpdateOutcome {
        val path = folder.statement.name
        val statement = accepted(path, run.statement(path))
        if (statement.number == old.number) {
            folder.cleanParts()
            return UpdateOutcome.Current(old.number, isExpired(old.statement))
        }
        val bundle = bundle(statement)
        val files = (statement.deltas + statement.catalog).map(folder::part)
        folder.cleanParts(keep = (files + bundle?.parts.orEmpty() + listOfNotNull(bundle?.partial)).toSet())
        bundle?.fetch(run)
        val (catalog, way) = catalog(old, statement, run)
        bundle?.name()
        folder.write(folder.statement, statement.content) // from here on it is in force
        val new = InForce(catalog, statement, bundle?.encoders)
        inForce = new
        highest = statement.number
        writeHighest()
        folder.cleanParts()
        return UpdateOutcome.Updated(catalog, new.number, way, run.fetched, isExpired(statement), new.encoders)
    }

    /** The statement's encoders; null where they are the app's own, whatever comes with it. */
    private fun bundle(statement: UpdateStatement): UpdateBundle? =
        statement.manifest?.takeIf { statement.space != space }?.let { UpdateBundle(folder, it, statement.space) }

    /** The statement's catalog, in its place. Throws [UpdateFault]. */
    private fun catalog(old: InForce, statement: UpdateStatement, run: UpdateRun): Pair<ProductCatalog, UpdateWay> {
        if (old.catalog.digest == statement.catalog.digest) {
            if (old.catalog.space == statement.space) return old.catalog to UpdateWay.SAME
            throw UpdateFault(UpdateErrorKind.DAMAGED, "the catalog in force is not of the statement's embedding space")
        }
        val (file, way) = made(old, statement, run) ?: (run.download(statement.catalog) to UpdateWay.WHOLE)
        return arrived(file, statement, run) to way
    }

    /** The statement in these bytes, if it is to be followed. */
    private fun accepted(path: String, content: ByteArray): UpdateStatement = try {
        val statement = UpdateStatement.read(content, keys, check, path)
        checkFits(statement, path)
        reading(path) {
            wellFormed(statement.number >= highest, ErrorKind.MISMATCHED) {
                "number ${statement.number}, older than $highest, which was in force"
            }
        }
        statement
    } catch (error: BadFileException) {
        throw UpdateFault(UpdateErrorKind.REFUSED, error.message.orEmpty(), error)
    }

    /** Throws [BadFileException] unless the statement is of this catalog, and for these encoders or those that it brings. */
    private fun checkFits(statement: UpdateStatement, where: String) = reading(where) {
        wellFormed(statement.name == name, ErrorKind.MISMATCHED) { "it is of ${shown(statement.name)}, not '$name'" }
        if (statement.space != space) {
            wellFormed(!statement.manifest?.files.isNullOrEmpty(), ErrorKind.MISMATCHED) {
                "an update of another embedding space: ${statement.space}, not $space"
            }
            wellFormed(takesBundles, ErrorKind.MISMATCHED) {
                "an update with other encoders, which this app does not take"
            }
            wellFormed(statement.manifest?.sha256 != folder.givenUp(), ErrorKind.MISMATCHED) {
                "an update with encoders that were given up here"
            }
        }
    }

    /** The catalog made of a delta; null where there is none for the one in force, or where it does not serve. */
    private fun made(old: InForce, statement: UpdateStatement, run: UpdateRun): Pair<File, UpdateWay>? {
        val delta = statement.deltas.firstOrNull {
            it.base == old.catalog.digest && old.catalog.space == statement.space
        } ?: return null
        val made = folder.made(statement.catalog.digest)
        return try {
            val part = run.download(delta)
            try {
                writing(made) { CatalogDelta.write(old.catalog, part, made, folder.disk, run::goOn) }
                val sha256 = run.sha256(made)
                if (sha256 != statement.catalog.sha256) run.damaged(made, "${made.path}: its SHA-256 is $sha256")
            } catch (error: BadFileException) {
                run.damaged(part, error.message.orEmpty())
            }
            made to UpdateWay.DELTA
        } catch (error: UpdateFault) {
            if (error.kind != UpdateErrorKind.DAMAGED) throw error
            folder.delete(made)
            null
        }
    }

    /** Proves the file, gives it its name and opens it. */
    private fun arrived(file: File, statement: UpdateStatement, run: UpdateRun): ProductCatalog = try {
        val target = folder.catalog(statement.catalog.digest)
        ProductCatalog.open(file, statement.space, statement.catalog.digest).verify()
        folder.move(file, target)
        ProductCatalog.open(target, statement.space, statement.catalog.digest)
    } catch (error: BadFileException) {
        run.damaged(file, error.message.orEmpty())
    }

    private fun writeHighest() {
        try {
            if (folder.highest() < highest) folder.writeHighest(highest)
        } catch (error: UpdateFault) {
            // A full disk, mostly. The number in force says it too, and the next start writes it.
        }
    }

    /** What an update left in force. Throws [BadFileException] where it does not serve. */
    private fun kept(bundled: ProductCatalog, least: Long): InForce {
        val file = folder.statement
        val content = MappedFile.mapping(file.path) {
            wellFormed(file.length() <= UpdateStatement.MOST_BYTES) { "a statement of ${file.length()} bytes" }
            file.readBytes()
        }
        val statement = UpdateStatement.read(content, keys, check, file.path)
        checkFits(statement, file.path)
        reading(file.path) {
            wellFormed(statement.number >= least, ErrorKind.MISMATCHED) {
                "number ${statement.number}, older than $least, which came with the app"
            }
        }
        val bundle = bundle(statement)?.apply { check() }
        val digest = statement.catalog.digest
        val isOwn = bundled.digest == digest && bundled.space == statement.space
        val catalog = if (isOwn) bundled else ProductCatalog.open(folder.catalog(digest), statement.space, digest)
        return InForce(catalog, statement, bundle?.encoders)
    }

    /** Of the app's own catalog. Throws [BadFileException] where it is another's. */
    private fun bundledStatement(content: ByteArray, bundled: ProductCatalog): UpdateStatement {
        val where = "the statement of ${bundled.name}"
        val statement = UpdateStatement.read(content, keys, check, where)
        checkFits(statement, where)
        reading(where) {
            wellFormed(statement.space == space, ErrorKind.MISMATCHED) {
                "it is of another embedding space: ${statement.space}, not $space"
            }
            wellFormed(statement.catalog.digest == bundled.digest, ErrorKind.MISMATCHED) {
                "it is of another catalog: ${statement.catalog.digest}, not ${bundled.digest}"
            }
        }
        return statement
    }

    /** The files that are in force. */
    private fun used(inForce: InForce): Set<File> =
        setOfNotNull(folder.statement, folder.catalog(inForce.catalog.digest), inForce.encoders)

    private fun isExpired(statement: UpdateStatement?): Boolean = statement?.isExpired(today()) ?: false
}
