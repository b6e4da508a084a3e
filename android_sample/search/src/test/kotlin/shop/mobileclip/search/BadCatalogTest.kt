package shop.mobileclip.search

import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows
import org.junit.jupiter.api.io.TempDir
import java.io.File
import java.io.RandomAccessFile
import java.util.Random

/** FAULTS=20000 tries so many damaged files in place of 2,000. */
class BadCatalogTest {
    @TempDir
    lateinit var folder: File

    private val made = MadeCatalog.random(1, 12, 8)
    private val good = made.bytes()
    private val faults = (System.getenv("FAULTS") ?: "2000").toInt()
    private val query = SearchQuery.Text(FloatArray(8) { it - 3f })

    private fun refused(bytes: ByteArray, says: String, space: String? = null) {
        val file = File(folder, "bad.catalog").apply { writeBytes(bytes) }
        val message = assertThrows<BadFileException> { ProductCatalog.open(file, space) }.checkMessage(file.path)
        assertTrue(says in message) { message }
    }

    private fun changed(
        metadata: Map<String, String?> = emptyMap(),
        tensor: (MadeCatalog.Tensor) -> MadeCatalog.Tensor? = { it },
    ): ByteArray {
        val named = (made.metadata() + metadata).mapNotNull { (key, value) -> value?.let { key to it } }.toMap()
        return MadeCatalog.container(named, made.tensors().mapNotNull(tensor))
    }

    private fun header(bytes: ByteArray) =
        String(bytes, 8, bytes[0].toInt() and 255 or (bytes[1].toInt() and 255 shl 8))

    private fun edited(old: String, new: String): ByteArray {
        val header = header(good)
        check(old in header)
        val data = good.copyOfRange(8 + header.length, good.size)
        return MadeCatalog.joined(header.replaceFirst(old, new).trimEnd(), data)
    }

    @Test
    fun `another catalog than the one that came with the encoders is refused with both digests`() {
        val (file, other) = File(folder, "night.catalog").apply { writeBytes(good) } to "cd".repeat(32)
        val own = Regex("\"sha256\":\"([0-9a-f]{64})\"").find(String(good, Charsets.ISO_8859_1))!!.groupValues[1]
        val error = assertThrows<BadFileException> { ProductCatalog.open(file, digest = other) }
        val message = error.checkMessage(file.path)
        assertTrue(own in message && other in message) { message }
        ProductCatalog.open(file, digest = own).verify()
    }

    @Test
    fun `a catalog of another embedding space is refused with both names`() {
        refused(good, "ab".repeat(32), "cd".repeat(32))
        refused(good, "cd".repeat(32), "cd".repeat(32))
        ProductCatalog.open(File(folder, "bad.catalog"), "ab".repeat(32))
    }

    @Test
    fun `what is not known or does not agree is named`() {
        for (key in listOf("format", "version", "quantization", "metric")) {
            refused(changed(mapOf(key to "other")), "unknown $key")
            refused(changed(mapOf(key to null)), "unknown $key")
        }
        for (key in "space model dim products rows currency categories calibration sha256".split(" ")) {
            refused(changed(mapOf(key to null)), "'$key'")
        }
        for (key in listOf("dim", "products", "rows")) {
            for (value in listOf("0", "-1", "1.0", "", "01", "99999999999", "٣")) {
                refused(changed(mapOf(key to value)), key)
            }
        }
        for (value in listOf("{}", "[1]", "[", "null")) refused(changed(mapOf("categories" to value)), "")
        for (value in listOf(
            "{}",
            "[]",
            "1",
            """{"text":{"a":1,"b":2,"spread":0},"image":{"a":1,"b":1,"spread":1},"source":"x"}""",
            """{"text":{"a":1e999,"b":2,"spread":1},"image":{"a":1,"b":1,"spread":1},"source":"x"}""",
            """{"text":{"a":1e101,"b":2,"spread":1},"image":{"a":1,"b":1,"spread":1},"source":"x"}""",
            """{"text":{"a":1,"b":2,"spread":1e-101},"image":{"a":1,"b":1,"spread":1},"source":"x"}""",
        )) {
            refused(changed(mapOf("calibration" to value)), "")
        }
        val good = """{"a":1,"b":2,"spread":1}"""
        for (value in listOf("1", "0", "null", "\"true\"", "[]", "{}")) {
            val bad = """{"a":1,"b":2,"spread":1,"measured":$value}"""
            refused(changed(mapOf("calibration" to MadeCatalog.calibration(bad, good))), "'measured'")
            refused(changed(mapOf("calibration" to MadeCatalog.calibration(good, bad))), "'measured'")
        }
        refused(changed(mapOf("space" to "AB".repeat(32))), "space")
        refused(changed(mapOf("sha256" to "0")), "sha256")
    }

    @Test
    fun `a tensor that is missing or of another kind is named`() {
        for (tensor in made.tensors()) {
            refused(changed { one -> one.takeIf { it.name != tensor.name } }, "'${tensor.name}'")
            val retyped = MadeCatalog.Tensor(tensor.name, "U9", tensor.shape, tensor.data)
            val reshaped = MadeCatalog.Tensor(tensor.name, tensor.type, listOf(1) + tensor.shape, tensor.data)
            for (wrong in listOf(retyped, reshaped)) {
                refused(changed { if (it.name == tensor.name) wrong else it }, "'${tensor.name}'")
            }
        }
    }

    @Test
    fun `unknown keys and tensors are passed over`() {
        val metadata = made.metadata() + mapOf("later" to "x")
        val more = made.tensors() + listOf(MadeCatalog.Tensor("later", "BF16", listOf(1), ByteArray(2)))
        opened(folder, MadeCatalog.seal(MadeCatalog.container(metadata, more))).verify()
        val without = changed { one -> one.takeIf { !it.name.startsWith("thumbnail") } }
        assertEquals(null, opened(folder, without).thumbnail(5))
    }

    @Test
    fun `hostile headers are refused`() {
        val data = good.copyOfRange(8 + header(good).length, good.size)
        val owners = Regex("\"owners\":\\{[^}]*\\}").find(header(good))!!.value
        refused(ByteArray(0), "header")
        refused(ByteArray(7), "header")
        for (length in listOf(0L, 1L, 7L, 1L shl 20 or 1, (1L shl 20) + 8, Long.MAX_VALUE, Long.MIN_VALUE, -1L, -8L)) {
            refused(MadeCatalog.little(8) { putLong(length) } + ByteArray(1 shl 21), "header")
        }
        for (header in listOf(
            "", "[]", "null", "{", "{}x", "{\"a\":1}", "{\"a\":{}}", "{\"__metadata__\":[]}",
            "{\"__metadata__\":{\"format\":1}}", "[".repeat(100_000), "{\"a\":".repeat(100_000), "{\"a\":\"\\ud8",
            "\"" + "\\".repeat(99), "{\"a\":1e}", "{'a':1}", "{\"a\":NaN}", "{\"a\" 1}", "{,}", "{\"a\":01}",
        )) {
            refused(MadeCatalog.joined(header, data), "")
        }
        refused(MadeCatalog.little(8) { putLong(8) } + byteArrayOf(-1, -2, 0, 0, 0, 0, 0, 0), "UTF-8")
        refused(edited("\"prices\"", "\"owners\""), "twice")
        refused(edited("\"model\":", "\"space\":"), "twice")
        refused(edited("\"data_offsets\":[0,", "\"data_offsets\":[0.0,"), "whole number")
        refused(edited("\"data_offsets\":[0,", "\"data_offsets\":[-1,"), "below 0")
        refused(edited("\"data_offsets\":[0,", "\"data_offsets\":[8,"), "does not fit")
        refused(edited("\"data_offsets\":[0,", "\"data_offsets\":[0,0,"), "not two")
        refused(edited("\"data_offsets\":[0,", "\"data_offsets\":[99999999999999999999,"), "whole number")
        refused(edited(owners, owners.replace("[12]", "[4294967297,4294967296,4294967296]")), "does not fit")
        refused(edited(owners, owners.replace("[12]", "[9223372036854775807,9223372036854775807]")), "does not fit")
        refused(edited("\"model\":", "\"more\":\"x\",\"sha256\":\"" + "0".repeat(64) + "\",\"model\":"), "")
        refused(edited(owners, owners.dropLast(1) + ",\"sha256\":\"" + "0".repeat(64) + "\"}"), "sha256")
        refused(edited("\"sha256\":", "\"sha256\": "), "sha256")
        refused(good + 0, "belong to no tensor")
        refused(good.copyOf(good.size - 1), "does not fit")
    }

    @Test
    fun `tensors of hostile values are refused by name`() {
        fun value(tensor: String, at: Int, bytes: ByteArray) = changed { one ->
            val data = one.data.copyOf()
            if (one.name == tensor) bytes.copyInto(data, at)
            MadeCatalog.Tensor(one.name, one.type, one.shape, data)
        }
        fun int(value: Int) = MadeCatalog.little(4) { putInt(value) }
        fun long(value: Long) = MadeCatalog.little(8) { putLong(value) }
        refused(value("owners", 0, int(1)), "row 0")
        for (owner in listOf(-1, Int.MIN_VALUE, 99, 0)) refused(value("owners", 44, int(owner)), "product")
        for (scale in listOf(Float.NaN, -1f, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY)) {
            refused(value("scales", 8, MadeCatalog.little(4) { putFloat(scale) }), "scale")
        }
        refused(value("offset", 0, MadeCatalog.little(4) { putFloat(Float.NaN) }), "offset")
        for (category in listOf(4, -1, Int.MIN_VALUE)) refused(value("categories", 4, int(category)), "category")
        refused(value("prices", 0, long(-2)), "price")
        refused(value("prices", 0, long(Long.MIN_VALUE)), "price")
        for (name in listOf("record_offsets", "thumbnail_offsets")) {
            refused(value(name, 0, long(1)), name)
            for (offset in listOf(-1, Long.MIN_VALUE, Long.MAX_VALUE, 1L shl 32)) {
                refused(value(name, 8, long(offset)), name)
            }
        }
    }

    @Test
    fun `a missing file and a folder are refused by name`() {
        for (file in listOf(File(folder, "none"), folder)) {
            assertThrows<BadFileException> { ProductCatalog.open(file) }.checkMessage(file.path)
        }
    }

    @Test
    fun `a record that is no object is an error that names the product`() {
        for (bad in listOf("[1]", "{", "", "\u0000", "{\"a\":}", "[".repeat(5000), "{\"price\":1e}")) {
            val records = made.tensors().map { one ->
                if (one.name != "records") return@map one
                val content = one.data.copyOf()
                content.fill(' '.code.toByte(), 0, minOf(bad.length, 30))
                bad.toByteArray().copyOf(30).copyInto(content)
                MadeCatalog.Tensor(one.name, one.type, one.shape, content)
            }
            val catalog = opened(folder, MadeCatalog.container(made.metadata(), records))
            assertTrue("product 0" in assertThrows<BadFileException> { catalog.product(0) }.checkMessage(catalog.name))
        }
    }

    @Test
    fun `damaged files with the digest are refused or read with unchanged results`() {
        val expected = answers(opened(folder, good))
        var refused = 0
        mutated { bytes ->
            try {
                val catalog = opened(folder, bytes)
                catalog.verify()
                assertEquals(expected, answers(catalog))
            } catch (error: BadFileException) {
                error.checkMessage(folder.path)
                refused++
            }
        }
        assertTrue(refused > faults * 0.95) { "$refused" }
    }

    @Test
    fun `damaged files without the digest cause no other exception`() {
        var opened = 0
        mutated { bytes ->
            try {
                val catalog = opened(folder, bytes)
                opened++
                for (product in 0 until catalog.size) {
                    catalog.thumbnail(product)
                    try {
                        catalog.product(product)
                    } catch (error: BadFileException) {
                        error.checkMessage(folder.path)
                    }
                }
                try {
                    catalog.product("p7")
                } catch (error: BadFileException) {
                    error.checkMessage(folder.path)
                }
                assertTrue(catalog.dim != 8 || CatalogSearch(catalog).search(query, 100).size == catalog.size)
                if (catalog.size > 1) CatalogSearch(catalog).search(SearchQuery.Like(1))
            } catch (error: BadFileException) {
                error.checkMessage(folder.path)
            }
        }
        assertTrue(opened > faults * 0.05) { "$opened" }
    }

    private fun answers(catalog: ProductCatalog): List<Any> = CatalogSearch(catalog).search(query, 5).map {
        listOf(it.product, it.score.toRawBits(), it.confidence, catalog.product(it.product).name)
    }

    /** Bytes and bits changed (in the header half of the time), pieces cut, doubled, swapped and moved. */
    private fun mutated(use: (ByteArray) -> Unit) {
        val random = Random(7)
        val head = 8 + header(good).length
        repeat(faults) {
            var bytes = good.copyOf()
            repeat(1 + random.nextInt(3)) {
                if (bytes.isEmpty()) return@repeat // all of it was cut away
                val end = if (random.nextBoolean()) minOf(head, bytes.size) else bytes.size
                val at = random.nextInt(end)
                when (random.nextInt(7)) {
                    0 -> bytes = bytes.copyOf(at + 1)

                    1 -> {
                        val rest = minOf(at + 1 + random.nextInt(16), bytes.size)
                        bytes = bytes.copyOfRange(0, at) + bytes.copyOfRange(rest, bytes.size)
                    }

                    2 -> {
                        val more = ByteArray(1 + random.nextInt(16))
                        bytes = bytes.copyOfRange(0, at) + more + bytes.copyOfRange(at, bytes.size)
                    }

                    3 -> bytes[at] = "0123456789\"{}[],:\\"[random.nextInt(18)].code.toByte()

                    4 -> bytes[at] = (bytes[at].toInt() xor (1 shl random.nextInt(8))).toByte()

                    5 -> bytes[at] = random.nextInt(256).toByte()

                    6 -> bytes[at] = bytes[random.nextInt(bytes.size)]
                }
            }
            use(bytes)
        }
    }

    @Test
    fun `a catalog of over 2 GiB opens and is searched`() {
        val dim = 1024
        val rows = 1_500_000
        val tensors = listOf(
            "record_offsets" to 16L, "prices" to 8L, "thumbnail_offsets" to 16L, "categories" to 4L,
            "offset" to 4L * dim, "owners" to 4L * rows, "scales" to 4L * rows, "codes" to rows.toLong() * dim,
            "records" to 2L, "thumbnails" to 1_500_000_000L,
        )
        val shapes = mapOf(
            "record_offsets" to "2", "prices" to "1", "thumbnail_offsets" to "2", "categories" to "1",
            "offset" to "$dim", "owners" to "$rows", "scales" to "$rows", "codes" to "$rows,$dim",
            "records" to "2", "thumbnails" to "1500000000",
        )
        val types = made.tensors().associate { it.name to it.type }
        var position = 0L
        val starts = HashMap<String, Long>()
        val entries = tensors.joinToString(",") { (name, size) ->
            starts[name] = position
            position += size
            "\"$name\":{\"dtype\":\"${types[name]}\",\"shape\":[${shapes[name]}],\"data_offsets\":[${position - size},$position]}"
        }
        val metadata = made.metadata() + mapOf("dim" to "$dim", "rows" to "$rows", "products" to "1")
        val start = header(MadeCatalog.container(metadata, made.tensors())).substringBefore(",\"record_offsets\":")
        val head = MadeCatalog.joined("$start,$entries}", ByteArray(0))
        val file = File(folder, "large.catalog")
        RandomAccessFile(file, "rw").use {
            // sparse: it takes no room
            it.write(head)
            it.setLength(head.size + position)
            fun put(name: String, at: Long, bytes: ByteArray) {
                it.seek(head.size + starts.getValue(name) + at)
                it.write(bytes)
            }
            put("record_offsets", 8, MadeCatalog.little(8) { putLong(2) })
            put("thumbnail_offsets", 8, MadeCatalog.little(8) { putLong(1_500_000_000L) })
            put("records", 0, "{}".toByteArray())
            put("scales", 4L * (rows - 1), MadeCatalog.little(4) { putFloat(1f) })
            put("codes", (rows - 1L) * dim, byteArrayOf(127))
        }
        val catalog = ProductCatalog.open(file)
        assertEquals("", catalog.product(0).name)
        val vector = FloatArray(dim).also { it[0] = 1f }
        val hit = CatalogSearch(catalog).search(SearchQuery.Text(vector)).single()
        assertEquals(rows - 1, hit.row)
        assertEquals(127.0, hit.score, 1e-9)
    }
}
