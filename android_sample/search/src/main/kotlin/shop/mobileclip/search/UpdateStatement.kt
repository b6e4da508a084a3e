package shop.mobileclip.search

import java.nio.ByteBuffer
import java.time.DateTimeException
import java.time.LocalDate
import java.util.Base64

/** Proves who signed: ECDSA over P-256 with SHA-256. The module `update` has one by the platform's own means. */
public fun interface SignatureCheck {
    /**
     * Whether [signature], 64 bytes, r then s, is of [message] by the owner of [publicKey], a DER SubjectPublicKeyInfo of 91
     * bytes. Whatever is wrong with them is a false.
     */
    public fun isValid(publicKey: ByteArray, message: ByteArray, signature: ByteArray): Boolean
}

/**
 * What a shop publishes, signed: which catalog is the newest, and how to get it. FORMATS.md, "Updates". Paths are relative to
 * the statement's own address.
 */
public class UpdateStatement private constructor(
    /** The catalog's name: `shop`, say. */
    public val name: String,
    /** Rises with every publication. */
    public val number: Long,
    /** 64 hex digits naming the embedding space. */
    public val space: String,
    /** The catalog, whole. */
    public val catalog: Catalog,
    /** Deltas to it, of which [Delta.base] names the catalog that each is for. */
    public val deltas: List<Delta>,
    /** Encoders that make a set with the catalog, where [space] is not that of the app's own; null: the app's own. */
    public val manifest: Bundle?,
    /** The last day, in UTC, on which prices are to be trusted; null where nothing says so. */
    public val notAfter: LocalDate?,
    internal val content: ByteArray,
) {
    /** A file beside the statement. [sha256] is of its bytes. */
    public open class RemoteFile internal constructor(
        public val path: String,
        public val sha256: String,
        public val bytes: Long,
    )

    /** A catalog. [digest] stands in the file itself: [ProductCatalog.digest]. */
    public class Catalog internal constructor(public val digest: String, path: String, sha256: String, bytes: Long) :
        RemoteFile(path, sha256, bytes)

    /** A delta, for the catalog whose [ProductCatalog.digest] is [base]. */
    public class Delta internal constructor(public val base: String, path: String, sha256: String, bytes: Long) :
        RemoteFile(path, sha256, bytes)

    /**
     * Encoders: their `manifest.json`, and [files], all else that a device needs of its folder. Without any it brings no
     * encoders, as earlier versions wrote it.
     */
    public class Bundle internal constructor(
        public val files: List<RemoteFile>,
        path: String,
        sha256: String,
        bytes: Long,
    ) : RemoteFile(path, sha256, bytes) {
        /** Up to the last /, and with it; empty for a manifest at the top. */
        private val folder get() = path.substring(0, path.lastIndexOf('/') + 1)

        internal fun holds(file: RemoteFile): Boolean = file.path.startsWith(folder)

        /** Where one of [files] lies in the manifest's folder. */
        internal fun inside(file: RemoteFile): String = file.path.removePrefix(folder)
    }

    /** Whether prices are no longer to be trusted on that day. Searching goes on. */
    public fun isExpired(today: LocalDate): Boolean = notAfter != null && today > notAfter

    public companion object {
        /** The size of the largest statement, in bytes. */
        public const val MOST_BYTES: Int = 65_600
        private const val SIGNATURE = 64
        private const val KEY = 91
        private const val MOST_KEYS = 2
        private const val LARGEST = (1L shl 53) - 1 // JavaScript's largest whole number
        private const val MOST_DELTAS = 100
        private const val MOST_FILES = 100
        private const val MOST_PATH = 512
        private val NAME = Regex("[a-zA-Z0-9][a-zA-Z0-9._-]{0,63}")
        private val PART = Regex("[a-zA-Z0-9._-]+")
        private val DATE = Regex("[0-9]{4}-[0-9]{2}-[0-9]{2}")

        /**
         * Reads a statement that one of [keys] signed: first the signature, over the bytes, and only then the JSON.
         * [where] is for messages.
         *
         * @throws BadFileException if nobody of [keys] signed it ([ErrorKind.MISMATCHED]), or if it is none
         * ([ErrorKind.DAMAGED]).
         * @throws IllegalArgumentException for other than one or two keys, or one that is not the base64 of 91 bytes.
         */
        @JvmStatic
        public fun read(content: ByteArray, keys: List<String>, check: SignatureCheck, where: String): UpdateStatement =
            read(content, keys(keys), check, where)

        /** The keys' bytes. Throws IllegalArgumentException. */
        internal fun keys(keys: List<String>): UpdateKeys {
            require(keys.size in 1..MOST_KEYS) { "${keys.size} public keys, expected one or two" }
            return UpdateKeys(
                keys.map { key ->
                    Base64.getDecoder().decode(key).also {
                        require(it.size == KEY) { "a public key of ${it.size} bytes, expected $KEY" }
                    }
                },
            )
        }

        internal fun read(content: ByteArray, keys: UpdateKeys, check: SignatureCheck, where: String): UpdateStatement =
            reading(where) {
                wellFormed(content.size in SIGNATURE + 2..MOST_BYTES) { "a statement of ${content.size} bytes" }
                val (signature, message) = content.copyOf(SIGNATURE) to content.copyOfRange(SIGNATURE, content.size)
                wellFormed(keys.all.any { check.isValid(it, message, signature) }, ErrorKind.MISMATCHED) {
                    "nobody signed it whose key this app has"
                }
                statement(Json.parse(ByteBuffer.wrap(message), once = true).asObject("the statement"), content)
            }

        private fun statement(members: Map<String, Json>, content: ByteArray): UpdateStatement {
            val (format, version) = members.text("format") to members.part("version").asLong("version")
            wellFormed(format == "mobileclip-update" && version == 1L) {
                "format ${shown(format)}, version $version; expected 'mobileclip-update', 1"
            }
            val deltas = members.part("deltas").asArray("deltas").map { delta(it.asObject("a delta")) }
            wellFormed(deltas.size <= MOST_DELTAS) { "${deltas.size} deltas, more than $MOST_DELTAS" }
            wellFormed(deltas.distinctBy { it.base }.size == deltas.size) { "two deltas for one catalog" }
            return UpdateStatement(
                name(members.text("name")),
                members.whole("number"),
                members.digest("space"),
                catalog(members.part("catalog").asObject("catalog")),
                deltas,
                members.given("manifest")?.asObject("manifest")?.let(::bundle),
                members.given("not_after")?.asText("not_after")?.let(::date),
                content,
            )
        }

        /** Throws IllegalArgumentException unless it is a catalog's name. */
        internal fun checkedName(text: String): String = text.also { require(NAME.matches(it)) { "a name of '$it'" } }

        private fun name(text: String): String = text.also {
            wellFormed(NAME.matches(it)) { "a name of ${shown(it)}" }
        }

        private fun catalog(members: Map<String, Json>): Catalog = members.digest("digest").let { digest ->
            remote(members) { path, sha256, bytes -> Catalog(digest, path, sha256, bytes) }
        }

        private fun delta(members: Map<String, Json>): Delta = members.digest("base").let { base ->
            remote(members) { path, sha256, bytes -> Delta(base, path, sha256, bytes) }
        }

        private fun bundle(members: Map<String, Json>): Bundle {
            val listed = members.given("files")?.asArray("files")
            wellFormed(listed == null || listed.size in 1..MOST_FILES) {
                "${listed?.size} files, expected 1 to $MOST_FILES"
            }
            val files = listed.orEmpty().map { remote(it.asObject("a file"), ::RemoteFile) }
            val bundle = remote(members) { path, sha256, bytes -> Bundle(files, path, sha256, bytes) }
            val paths = (files + bundle).map { it.path }
            wellFormed(paths.distinct().size == paths.size) { "a file twice in the manifest" }
            wellFormed(files.all(bundle::holds)) { "a file outside of the manifest's folder" }
            return bundle
        }

        private fun <T> remote(members: Map<String, Json>, make: (String, String, Long) -> T): T {
            val path = members.text("path")
            val fits = path.length <= MOST_PATH &&
                path.split("/").all { PART.matches(it) && it != "." && it != ".." }
            wellFormed(fits) { "path is ${shown(path)}, not one that is relative to the statement's address" }
            return make(path, members.digest("sha256"), members.whole("bytes"))
        }

        private fun date(text: String): LocalDate = try {
            wellFormed(DATE.matches(text)) { "not_after is ${shown(text)}, no date" }
            LocalDate.parse(text)
        } catch (error: DateTimeException) {
            malformed("not_after is ${shown(text)}, no date")
        }

        private fun Map<String, Json>.given(key: String): Json? = get(key).takeIf { it != Json.Null }

        private fun Map<String, Json>.text(key: String): String = part(key).asText(key)

        private fun Map<String, Json>.whole(key: String): Long = part(key).asLong(key).also {
            wellFormed(it in 1..LARGEST) { "$key is $it, expected 1 to $LARGEST" }
        }

        private fun Map<String, Json>.digest(key: String): String = text(key).also {
            wellFormed(isDigest(it)) { "$key is ${shown(it)}, not 64 hex digits" }
        }
    }
}

/** The public keys that an app trusts. */
internal class UpdateKeys(val all: List<ByteArray>)
