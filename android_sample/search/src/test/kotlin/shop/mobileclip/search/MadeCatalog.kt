package shop.mobileclip.search

import java.io.File
import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.security.MessageDigest
import java.util.Random

/** A catalog made up for a test, and the bytes of its file. */
internal class MadeCatalog(
    val owners: IntArray,
    val dim: Int,
    val codes: ByteArray,
    val scales: FloatArray,
    val offset: FloatArray,
    val prices: LongArray,
    val categories: IntArray,
    val names: List<String>,
    val currency: String = "EUR",
    records: List<String>? = null,
    private val idOrder: IntArray? = null,
) {
    val products = prices.size
    private val records =
        (
            records ?: List(products) {
                """{"id":"p$it","name":"Product \u00e9 $it","price":1.50}"""
            }
            ).map { it.toByteArray() }
    private val thumbnails = List(products) { ByteArray(it % 3) { 7 } }

    fun tensors(): List<Tensor> = listOfNotNull(
        Tensor("record_offsets", "U64", listOf(products + 1), offsets(records)),
        Tensor("prices", "I64", listOf(products), little(8 * products) { prices.forEach { putLong(it) } }),
        Tensor("thumbnail_offsets", "U64", listOf(products + 1), offsets(thumbnails)),
        Tensor("categories", "U32", listOf(products), little(4 * products) { categories.forEach { putInt(it) } }),
        idOrder?.let { order ->
            Tensor("id_order", "U32", listOf(order.size), little(4 * order.size) { order.forEach { putInt(it) } })
        },
        Tensor("offset", "F32", listOf(dim), little(4 * dim) { offset.forEach { putFloat(it) } }),
        Tensor("owners", "U32", listOf(owners.size), little(4 * owners.size) { owners.forEach { putInt(it) } }),
        Tensor("scales", "F32", listOf(owners.size), little(4 * owners.size) { scales.forEach { putFloat(it) } }),
        Tensor("codes", "I8", listOf(owners.size, dim), codes),
        Tensor("records", "U8", listOf(records.sumOf { it.size }), records.reduce(ByteArray::plus)),
        Tensor("thumbnails", "U8", listOf(thumbnails.sumOf { it.size }), thumbnails.reduce(ByteArray::plus)),
    )

    fun metadata(): Map<String, String> = mapOf(
        "format" to "mobileclip-catalog", "version" to "1", "quantization" to "int8-row-offset", "metric" to "cosine",
        "space" to "ab".repeat(32), "model" to "made", "dim" to "$dim", "products" to "$products",
        "rows" to "${owners.size}", "currency" to currency, "categories" to quoted(names),
        "calibration" to calibration(
            """{"a":10.0,"b":-5.0,"spread":0.2,"measured":true}""",
            """{"a":8.0,"b":-4.0,"spread":0.1,"measured":true}""",
        ),
        "sha256" to "0".repeat(64),
    )

    fun bytes(): ByteArray = seal(container(metadata(), tensors()))

    class Tensor(val name: String, val type: String, val shape: List<Int>, val data: ByteArray)

    companion object {
        fun calibration(text: String, image: String, source: String = "names"): String =
            """{"text":$text,"image":$image,"source":"$source"}"""

        /** Whole numbers everywhere, few different ones, so that scores tie. */
        fun random(seed: Long, rows: Int, dim: Int, names: Int = 4, currency: String = "EUR"): MadeCatalog {
            val random = Random(seed)
            val owners = IntArray(rows)
            for (row in 1 until rows) owners[row] = owners[row - 1] + if (random.nextInt(3) == 0) 0 else 1
            val products = owners.last() + 1
            val kinds = List(maxOf(rows / 4, 1)) { ByteArray(dim) { (random.nextInt(255) - 127).toByte() } }
            val codes = ByteArray(rows * dim)
            for (row in 0 until rows) kinds[random.nextInt(kinds.size)].copyInto(codes, row * dim)
            return MadeCatalog(
                owners, dim, codes,
                FloatArray(rows) { (1 + random.nextInt(2)) / 128f }, FloatArray(dim) { random.nextFloat() - 0.5f },
                LongArray(products) { if (random.nextInt(5) == 0) -1 else random.nextInt(20) * 10_000L },
                IntArray(products) { random.nextInt(names) }, List(names) { "name $it" }, currency,
            )
        }

        fun container(metadata: Map<String, String>, tensors: List<Tensor>): ByteArray {
            var position = 0
            val entries = tensors.map {
                val start = position
                position += it.data.size
                val shape = it.shape.joinToString(",", "[", "]")
                """"${it.name}":{"dtype":"${it.type}","shape":$shape,"data_offsets":[$start,$position]}"""
            }
            val pairs = metadata.entries.joinToString(",") { (key, value) -> quoted(key) + ":" + quoted(value) }
            val header = "{\"__metadata__\":{$pairs}," + entries.joinToString(",") + "}"
            return joined(header, tensors.map { it.data }.reduce(ByteArray::plus))
        }

        fun joined(header: String, data: ByteArray): ByteArray {
            val text = header.toByteArray().let { it + ByteArray((8 - it.size % 8) % 8) { ' '.code.toByte() } }
            return little(8) { putLong(text.size.toLong()) } + text + data
        }

        /** The file with its digest in it. */
        fun seal(file: ByteArray): ByteArray {
            val place = String(file, Charsets.ISO_8859_1).indexOf("\"sha256\":\"") + 10
            val made = file.copyOf()
            made.fill('0'.code.toByte(), place, place + 64)
            hex(MessageDigest.getInstance("SHA-256").digest(made)).toByteArray().copyInto(made, place)
            return made
        }

        fun little(bytes: Int, put: ByteBuffer.() -> Unit): ByteArray =
            ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN).apply(put).array()

        private fun offsets(pieces: List<ByteArray>): ByteArray = little(8 * pieces.size + 8) {
            pieces.runningFold(0L) { sum, piece -> sum + piece.size }.forEach { putLong(it) }
        }

        private fun quoted(names: List<String>) = names.joinToString(",", "[", "]") { quoted(it) }

        private fun quoted(text: String) = "\"" + text.replace("\\", "\\\\").replace("\"", "\\\"") + "\""
    }
}

/** Opens bytes as a catalog, by a new file in [folder]; the one before may still be mapped. */
internal fun opened(folder: File, bytes: ByteArray): ProductCatalog {
    val file = File(folder, "made.catalog")
    file.delete()
    file.writeBytes(bytes)
    return ProductCatalog.open(file)
}
