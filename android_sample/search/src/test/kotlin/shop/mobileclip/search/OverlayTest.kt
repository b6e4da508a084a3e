package shop.mobileclip.search

import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertNotNull
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertSame
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.BeforeEach
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows
import org.junit.jupiter.api.io.TempDir
import java.io.File
import java.math.BigDecimal
import java.nio.ByteBuffer
import java.nio.FloatBuffer
import java.util.Base64
import java.util.Random

class OverlayTest {
    @TempDir
    lateinit var folder: File

    private val random = Random(11)
    private val made = MadeCatalog.random(3, 400, 16)
    private lateinit var base: ProductCatalog

    @BeforeEach
    fun open() {
        base = opened(folder, made.bytes())
    }

    private fun vector(dim: Int = 16) = FloatArray(dim) { random.nextFloat() - 0.5f }

    private fun product(id: String, category: String = "name 1", vectors: Int = 1, price: String? = "12.50") =
        NewProduct(
            id,
            "New $id",
            price?.let(::BigDecimal),
            description = "a \"quoted\"\nline",
            category = category,
            extra = mapOf("colour" to "rot"),
            vectors = List(vectors) { vector() },
            thumbnail = ByteArray(5) { 9 },
        )

    /** 30 new ones of which some replace the base's, some with several rows, in old and new categories; some removed. */
    private fun overlay(): CatalogOverlay {
        var overlay = CatalogOverlay.empty(base)
        for (index in 0 until 30) {
            val id = if (index % 3 == 0) "p${7 * index}" else "new $index"
            overlay = overlay.putting(product(id, if (index % 4 == 0) "Hats" else "name 2", 1 + index % 3))
        }
        for (id in listOf("p3", "p5", "new 4")) overlay = overlay.removing(id)
        return overlay
    }

    /** One file of what the base still shows and of what the overlay adds, made of the files' own tensors. */
    private fun merged(overlay: CatalogOverlay): ProductCatalog {
        val file = File(folder, "o.catalog").also(overlay::write)
        val own = ProductCatalog.open(file)
        val kept = (0 until made.products).filter { base.adding(overlay).place("p$it") == it }
        val rows = made.owners.indices.filter { made.owners[it] in kept }
        val names = (made.names + own.categories).distinct()
        val tables = own.parts[0].tables
        val whole = MadeCatalog(
            (
                rows.map {
                    kept.indexOf(made.owners[it])
                } + List(own.rows) { kept.size + tables.owners.get(it) }
                ).toIntArray(),
            made.dim,
            rows.map {
                made.codes.copyOfRange(it * made.dim, (it + 1) * made.dim)
            }.fold(ByteArray(0), ByteArray::plus) +
                tables.codes.bytes(),
            (rows.map { made.scales[it] } + List(own.rows, tables.scales::get)).toFloatArray(),
            made.offset,
            (kept.map { made.prices[it] } + List(own.size) { own.price(it) ?: -1 }).toLongArray(),
            (kept.map { made.categories[it] } + List(own.size) { names.indexOf(own.categories[own.category(it)]) })
                .toIntArray(),
            names,
            records = kept.map { """{"id":"p$it"}""" } + List(own.size) { """{"id":"${own.product(it).id}"}""" },
        )
        return ProductCatalog.open(File(folder, "merged.catalog").apply { writeBytes(whole.bytes()) })
    }

    private fun found(catalog: ProductCatalog, query: SearchQuery, k: Int, filter: CatalogFilter) =
        CatalogSearch(catalog).search(query, k, filter).map {
            listOf(catalog.product(it.product).id, it.score.toRawBits(), it.confidence)
        }

    @Test
    fun `searches equal those of one file built from both`() {
        val overlay = overlay()
        val (over, merged) = base.adding(overlay) to merged(overlay)
        assertEquals(merged.categories, over.categories)
        var fromOverlay = 0
        repeat(60) { turn ->
            val query = when (turn % 4) {
                0 -> SearchQuery.Text(vector())
                1 -> SearchQuery.Image(vector())
                2 -> SearchQuery.Both(vector(), vector(), 0.4)
                else -> SearchQuery.Like(over.place(if (turn % 8 == 3) "new 1" else "p9")!!)
            }
            val same = if (query is SearchQuery.Like) {
                SearchQuery.Like(merged.place(over.product(query.product).id)!!)
            } else {
                query
            }
            val filter = when (turn % 3) {
                0 -> CatalogFilter.ANY
                1 -> CatalogFilter(setOf("Hats", "name 1"))
                else -> CatalogFilter(lowest = 0, highest = 130_000)
            }
            val hits = found(over, query, 25, filter)
            assertEquals(found(merged, same, 25, filter), hits)
            fromOverlay += hits.count { "new" in it[0].toString() }
        }
        assertTrue(fromOverlay > 20) { "$fromOverlay of the overlay" }
    }

    @Test
    fun `products, prices, categories and pictures answer for both`() {
        val over = base.adding(overlay())
        assertEquals(base.size + 29, over.size)
        val place = over.place("new 1")!!
        assertTrue(place >= base.size)
        assertEquals("New new 1", over.product(place).name)
        assertEquals(
            listOf("rot", "EUR", "name 2"),
            over.product("new 1")!!.let {
                listOf(it.extra["colour"], it.currency, it.category)
            },
        )
        assertEquals(125_000L, over.price(place))
        assertEquals("name 2", over.categories[over.category(place)])
        assertEquals("Hats", over.categories[over.category(over.place("new 8")!!)])
        assertEquals(5, over.thumbnail(place)?.size)
        assertEquals("New p21", over.product("p21")?.name)
        for (gone in listOf("p3", "p5", "new 4")) assertNull(over.place(gone))
        for (place in 0 until base.size) {
            assertEquals(base.price(place), over.price(place))
            assertEquals(base.category(place), over.category(place))
        }
        assertThrows<IndexOutOfBoundsException> { over.product(over.size) }
        assertThrows<IllegalArgumentException> { CatalogOverlay.empty(over) }
    }

    @Test
    fun `what was written opens again the same`() {
        val file = File(folder, "staff.catalog")
        for (overlay in listOf(overlay(), CatalogOverlay.empty(base), CatalogOverlay.empty(base).removing("p1"))) {
            overlay.write(file)
            val bytes = file.readBytes()
            val again = CatalogOverlay.open(file, base)
            assertEquals(overlay.removed, again.removed)
            assertEquals(overlay.products.map { it.id to it.extra }, again.products.map { it.id to it.extra })
            again.write(file)
            assertTrue(bytes.contentEquals(file.readBytes()))
            if (overlay.products.isNotEmpty()) ProductCatalog.open(file).verify()
        }
        assertEquals(listOf("made.catalog", "staff.catalog"), folder.list()!!.sorted())
    }

    @Test
    fun `a change gives another value`() {
        val empty = CatalogOverlay.empty(base)
        val one = empty.putting(product("x"))
        assertEquals(listOf(0, 1, 1), listOf(empty, one, one.putting(product("x"))).map { it.products.size })
        assertEquals(emptyList<String>(), one.removing("x").products.map { it.id })
        assertEquals(emptySet<String>(), one.removing("x").removed)
        val gone = one.removing("p1")
        assertNull(base.adding(gone).place("p1"))
        assertEquals(1, base.adding(gone.forgetting("p1")).place("p1"))
        assertNotNull(base.adding(gone.putting(product("p1"))).place("p1"))
    }

    @Test
    fun `what cannot be added is refused`() {
        val empty = CatalogOverlay.empty(base)
        fun refused(says: String, product: NewProduct) {
            val error = assertThrows<IllegalArgumentException> { empty.putting(product) }
            assertTrue(says in error.message!!) { error.message }
        }
        refused("id", NewProduct("", "x", vectors = listOf(vector())))
        refused("name", NewProduct("x", "", vectors = listOf(vector())))
        refused("vector", NewProduct("x", "x"))
        refused("15 numbers", NewProduct("x", "x", vectors = listOf(vector(15))))
        refused("not finite", NewProduct("x", "x", vectors = listOf(FloatArray(16) { Float.NaN })))
        refused("USD", NewProduct("x", "x", currency = "USD", vectors = listOf(vector())))
        refused("'id'", NewProduct("x", "x", extra = mapOf("id" to "y"), vectors = listOf(vector())))
        for (price in listOf("-1", "1.23456", "922337203685477.5808")) {
            refused(price, NewProduct("x", "x", BigDecimal(price), vectors = listOf(vector())))
        }
        for (price in listOf("0", "1.2300000", "1e3", "922337203685477.5807")) {
            empty.putting(NewProduct("x", "x", BigDecimal(price), vectors = listOf(vector())))
        }
        assertTrue("'gone'" in assertThrows<IllegalArgumentException> { empty.removing("gone") }.message!!)
        val entry = OverlayEntry.of(product("e"), base)
        val full = CatalogOverlay(base, List(CatalogOverlay.MOST_PRODUCTS) { entry }, emptySet())
        assertTrue("5000" in assertThrows<IllegalArgumentException> { full.putting(product("y")) }.message!!)
    }

    @Test
    fun `an overlay of another base, a cut one and none are refused in one line`() {
        val file = File(folder, "staff.catalog").also(overlay()::write)
        val other = ProductCatalog.open(
            File(folder, "other.catalog").apply {
                writeBytes(MadeCatalog.random(4, 9, 16).bytes())
            },
        )
        val error = assertThrows<BadFileException> { CatalogOverlay.open(file, other) }
        error.checkMessage(file.path)
        assertSame(ErrorKind.MISMATCHED, error.kind)
        file.writeBytes(file.readBytes().copyOf(3000))
        assertSame(ErrorKind.DAMAGED, assertThrows<BadFileException> { CatalogOverlay.open(file, base) }.kind)
        file.delete()
        assertSame(ErrorKind.MISSING, assertThrows<BadFileException> { CatalogOverlay.open(file, base) }.kind)
        assertSame(
            ErrorKind.DAMAGED,
            assertThrows<BadFileException> {
                CatalogOverlay.open(File(base.name), base)
            }.kind,
        )
    }

    // What Python wrote.

    private val goldens = Goldens.json("overlay/expected.json")
    private val golden = ProductCatalog.open(Goldens.file("overlay/base.catalog"))

    private fun newProduct(put: Map<String, Json>) = NewProduct(
        put.text("id"), put.text("name"), put["price"]?.asText("price")?.let(::BigDecimal),
        put["currency"]?.asText("currency"), put["description"]?.asText("description").orEmpty(),
        put["category"]?.asText("category").orEmpty(),
        put["extra"]?.asObject("extra").orEmpty().mapValues { it.value.asText("extra") },
        put["vectors"]?.asArray("vectors").orEmpty().map { vector(it.asText("vector")) },
        put["thumbnail"]?.let { Base64.getDecoder().decode(it.asText("thumbnail")) },
    )

    @Test
    fun `the steps of a golden overlay give its bytes, and it reads back the same`() {
        for (made in goldens.objects("overlays")) {
            val overlay = made.objects("steps").fold(CatalogOverlay.empty(golden)) { overlay, step ->
                step["put"]?.let { overlay.putting(newProduct(it.asObject("put"))) }
                    ?: overlay.removing(step.text("remove"))
            }
            val expected = Goldens.file("overlay/" + made.text("file"))
            val (file, again) = File(folder, "o.catalog") to File(folder, "again.catalog")
            overlay.write(file)
            assertTrue(expected.readBytes().contentEquals(file.readBytes())) { made.text("file") }
            CatalogOverlay.open(expected, golden).write(again)
            assertTrue(expected.readBytes().contentEquals(again.readBytes())) { made.text("file") }
        }
    }

    @Test
    fun `golden searches over both give Python's products, score bits and confidences`() {
        val over = golden.adding(CatalogOverlay.open(Goldens.file("overlay/overlay.catalog"), golden))
        assertEquals(listOf(goldens.int("products"), goldens.int("rows")), listOf(over.size, over.rows))
        assertEquals(goldens.list("categories").map { it.asText("") }, over.categories)
        for (case in goldens.objects("places")) {
            val expected = case.part("place").takeIf { it != Json.Null }?.asLong("place")?.toInt()
            assertEquals(expected, over.place(case.text("id")), case.text("id"))
        }
        for (case in goldens.objects("cases")) checkGolden(over, case)
        for (case in goldens.objects("extra")) {
            val (product, key) = over.product(case.int("place")) to case.text("key")
            assertEquals(case.part("text").takeIf { it != Json.Null }?.asText("text"), product.extra[key])
            assertEquals(case.list("list").map { it.asText("item") }, product.list(key))
        }
    }

    @Test
    fun `golden vectors are quantised to Python's codes and scales`() {
        for (case in goldens.objects("quantisation")) {
            val codes = ByteArray(16)
            val offset = FloatBuffer.wrap(vector(case.text("offset")))
            val scale = OverlayTables.quantise(FloatBuffer.wrap(vector(case.text("vector"))), offset, codes, 0)
            assertEquals(case.list("codes").map { it.asLong("code").toByte() }, codes.toList())
            assertEquals(vector(case.text("scale"))[0].toRawBits(), scale.toRawBits())
        }
    }

    @Test
    fun `damaged golden overlays are refused where they must be`() {
        for (case in goldens.objects("damaged")) {
            val file = Goldens.file("overlay/" + case.text("file"))
            if (case.part("opens").asBool("opens")) {
                CatalogOverlay.open(file, golden)
                assertThrows<BadFileException> { ProductCatalog.open(file).verify() }
            } else {
                assertThrows<BadFileException>(file.name) { CatalogOverlay.open(file, golden) }.checkMessage(file.path)
            }
        }
    }

    @Test
    fun `the golden list is exported byte for byte`() {
        val products = goldens.objects("export").map { made ->
            val pictures = made.list("pictures").joinToString("|") { "pictures/" + it.asText("picture") }
            val product = newProduct(made).let { it.with(it.extra + ("pictures" to pictures), it.vectors) }
            CatalogProduct.read(ByteBuffer.wrap(OverlayRecord.json(product, golden.currency).toByteArray()))
        }
        assertEquals(Goldens.file("overlay/export/products.csv").readText(), StaffList.csv(products))
    }

    // The clerk's way.

    private fun staff(over: ProductCatalog = base) = StaffProducts(File(folder, "staff"), over) { image ->
        FloatArray(16) { (image.bytes[it % image.bytes.size] + it).toFloat() }
    }

    private fun image(seed: Int) = RGBImage(ByteArray(12) { (seed + it).toByte() }, 2, 2)

    private fun fields(id: String, price: String? = "3.20") = NewProduct(
        id,
        "Hat, \"red\"",
        price?.let(::BigDecimal),
        category = "Hats",
        extra = mapOf("colour" to "red"),
    )

    @Test
    fun `a product that staff add is found at once, and after a restart`() {
        val staff = staff()
        val added = staff.add(fields("h1"), image(1), ByteArray(3) { 1 })
        val query = SearchQuery.Image(FloatArray(16) { (image(1).bytes[it % 12] + it).toFloat() })
        assertEquals("h1", CatalogSearch(added).search(query, 1).single().let { added.product(it.product).id })
        staff.add(fields("h2"), image(2), ByteArray(3) { 2 })
        staff.remove("p1")
        val again = staff().catalog
        assertEquals(listOf(true, true, false), listOf("h1", "h2", "p1").map { again.place(it) != null })
        assertEquals(2, File(folder, "staff/pictures").list()!!.size)
        staff().add(fields("h2"), image(3), ByteArray(3) { 3 })
        staff().remove("h1")
        assertEquals(1, File(folder, "staff/pictures").list()!!.size)
        assertEquals(listOf("h2"), staff().overlay.products.map { it.id })
        assertNotNull(staff().forget("p1").place("p1"))
    }

    @Test
    fun `what a kill leaves behind changes nothing`() {
        val staff = staff()
        staff.add(fields("h1"), image(1), ByteArray(3) { 1 })
        File(folder, "staff/overlay.catalog.partial").writeBytes(ByteArray(9))
        File(folder, "staff/pictures/lost.jpg.partial").writeBytes(ByteArray(9))
        File(folder, "staff/pictures/lost.jpg").writeBytes(ByteArray(9))
        assertEquals(listOf("h1"), staff().overlay.products.map { it.id })
        assertEquals(1, File(folder, "staff/pictures").list()!!.size)
    }

    @Test
    fun `an encoder that fails, and a full disk, change nothing`() {
        val staff = staff()
        staff.add(fields("h1"), image(1), ByteArray(3) { 1 })
        val broken = StaffProducts(File(folder, "staff"), base) { throw OutOfMemoryError() }
        assertThrows<OutOfMemoryError> { broken.add(fields("h2"), image(2), ByteArray(3) { 2 }) }
        assertThrows<IllegalArgumentException> { staff.add(fields("h2", "-1"), image(2), ByteArray(3) { 2 }) }
        assertEquals(listOf("h1"), staff().overlay.products.map { it.id })
        assertEquals(1, File(folder, "staff/pictures").list()!!.size)
    }

    @Test
    fun `the list is exported with its pictures`() {
        val staff = staff()
        staff.add(fields("h1"), image(1), ByteArray(3) { 1 })
        staff.add(fields("h2", null), image(2), ByteArray(3) { 2 })
        val out = File(folder, "out").also(staff::export)
        val lines = File(out, "products.csv").readText().split("\r\n")
        assertTrue(lines[1].startsWith("\"h1\",\"Hat, \"\"red\"\"\",\"3.20\",\"EUR\",\"\",\"Hats\",\"pictures/")) {
            lines[1]
        }
        assertTrue(lines[1].endsWith(",\"red\"") && lines[2].startsWith("\"h2\",\"Hat, \"\"red\"\"\",\"\",\"EUR\",")) {
            lines[2]
        }
        val name = Regex("pictures/([0-9a-f]{64}\\.jpg)").find(lines[1])!!.groupValues[1]
        assertEquals(File(folder, "staff/pictures/$name"), staff.picture("h1"))
        assertNull(staff.picture("p1"))
        assertEquals(listOf<Byte>(1, 1, 1), File(out, "pictures/$name").readBytes().toList())
    }

    /** A catalog of a day: products of these ids and names, with an offset of the day's. */
    private fun day(number: Int, products: List<Pair<String, String>>, currency: String = "EUR"): ProductCatalog {
        val records = products.map { (id, name) ->
            """{"id":"$id","name":"$name","price":3.20,"currency":"$currency","description":"","category":"Hats"}"""
        }
        val count = products.size
        val made = MadeCatalog(
            IntArray(count) { it }, 16, ByteArray(count * 16) { it.toByte() }, FloatArray(count) { 0.01f },
            FloatArray(16) { number / 8f }, LongArray(count) { 32_000 }, IntArray(count), listOf("Hats"), currency,
            records = records,
        )
        return ProductCatalog.open(File(folder, "day $number.catalog").apply { writeBytes(made.bytes()) })
    }

    private fun StaffProducts.ids() = overlay.products.map { it.id }

    private val hat = "Hat, \\\"red\\\""

    @Test
    fun `over the next day's catalog what has arrived goes, and the rest is quantised anew`() {
        val before = day(1, listOf("p1" to "old", "p4" to "old"))
        val after = day(2, listOf("h1" to hat, "h2" to "another", "p4" to "old", "p5" to hat))
        fun filled(): StaffProducts {
            File(folder, "staff").deleteRecursively()
            return staff(before).apply {
                for (id in listOf("h1", "h2", "h3", "p4")) add(fields(id), image(id.hashCode()), id.toByteArray())
                remove("p1")
            }
        }
        // While the app runs, the base until then is at hand: h2 was not in it, so the shop's own list has it now.
        val running = filled()
        val over = running.rebase(after)
        assertSame(over, running.catalog)
        assertEquals(listOf("h3", "p4"), running.ids())
        assertEquals(emptySet<String>(), running.overlay.removed)
        assertEquals("another", over.product("h2")?.name)
        assertEquals(listOf("h3", "p4"), staff(after).ids())
        assertEquals(2, File(folder, "staff/pictures").list()!!.size)
        // Without it, h2 may be a correction of the shop's h2.
        filled()
        val started = staff(after)
        assertEquals(listOf("h2", "h3", "p4"), started.ids())
        assertEquals("Hat, \"red\"", started.catalog.product("h2")?.name)
        assertTrue(started.catalog.place("h1")!! < 4 && started.catalog.place("p4")!! >= 4)
        started.forget("h2")
        assertEquals(listOf("h3", "p4"), staff(after).ids())
    }

    @Test
    fun `what has arrived does not come back when the shop changes it later`() {
        staff(day(1, listOf("p1" to "old"))).add(fields("h1"), image(1), ByteArray(1))
        assertEquals(emptyList<String>(), staff(day(2, listOf("p1" to "old", "h1" to hat))).ids())
        val later = staff(day(3, listOf("h1" to "a better name")))
        assertEquals(emptyList<String>(), later.ids())
        assertEquals("a better name", later.catalog.product("h1")?.name)
    }

    @Test
    fun `over the same catalog nothing has arrived`() {
        val same = day(1, listOf("h1" to hat, "p1" to "old"))
        staff(same).add(fields("h1"), image(1), ByteArray(1))
        val again = staff(same)
        assertEquals(listOf("h1"), again.ids())
        again.rebase(same)
        assertEquals(listOf("h1"), again.ids())
    }

    @Test
    fun `a catalog of another currency or space is refused, and all stays`() {
        val staff = staff(day(1, listOf("p1" to "old"))).apply { add(fields("h1"), image(1), ByteArray(1)) }
        for ((number, currency) in listOf(2 to "USD", 3 to "")) {
            val error = assertThrows<BadFileException> { staff.rebase(day(number, listOf("p1" to "old"), currency)) }
            assertTrue("currency" in error.checkMessage(File(folder, "day $number.catalog").path))
            assertSame(ErrorKind.MISMATCHED, error.kind)
            assertThrows<BadFileException> { staff(day(number, listOf("p1" to "old"), currency)) }
        }
        val other =
            assertThrows<BadFileException> { staff.rebase(ProductCatalog.open(Goldens.file("updates/base.catalog"))) }
        assertSame(ErrorKind.MISMATCHED, other.kind)
        assertEquals(listOf("h1"), staff.ids())
        assertEquals(listOf("h1"), staff(staff.overlay.base).ids())
    }

    @Test
    fun `golden overlays over a new base are Python's, byte for byte`() {
        val cases = Goldens.json("updates/overlay/answers.json").objects("cases")
        for (case in cases) {
            fun catalog(key: String) = case.part(key).takeIf { it != Json.Null }?.let {
                ProductCatalog.open(Goldens.file("updates/" + it.asText(key)))
            }
            val (file, next) = Goldens.file("updates/" + case.text("overlay")) to checkNotNull(catalog("to"))
            val laid = catalog("before")?.let { CatalogOverlay.open(file, it).rebased(next) }
                ?: OverlayFile.open(file, CatalogOverlay.empty(next), anyBase = true).overlay
            assertEquals(case.list("products").map { it.asText("id") }, laid.products.map { it.id })
            assertEquals(case.list("removed").map { it.asText("id") }, laid.removed.sorted())
            val made = File(folder, "laid.catalog").also(laid::write)
            val expected = Goldens.file("updates/" + case.text("gives")).readBytes()
            assertTrue(expected.contentEquals(made.readBytes())) { case.text("gives") }
        }
        assertTrue(cases.size >= 4)
    }

    @Test
    fun `of a hundred products none is lost and none is there twice in ten days`() {
        val ids = List(100) { "h$it" }
        val own = List(40) { "p$it" to "old" }
        var today = day(0, own)
        var staff = staff(today)
        for ((number, id) in ids.withIndex()) staff.add(fields(id), image(number), byteArrayOf(number.toByte()))
        val arrived = HashSet<String>()
        for (number in 1..10) {
            arrived += ids.shuffled(random).take(7)
            today = day(number, own.drop(number) + (arrived - "h0").sorted().map { it to hat })
            if (number % 3 == 0) staff = staff(today) else staff.rebase(today)
            val over = staff.catalog
            val found = CatalogSearch(over).search(SearchQuery.Image(FloatArray(16) { 1f }), over.size)
                .map { over.product(it.product).id }
            assertEquals(found.toSet().size, found.size)
            assertEquals((own.drop(number).map { it.first } + ids).toSet(), found.toSet())
            assertEquals(ids.toSet() - (arrived - "h0"), staff.ids().toSet())
        }
        assertTrue(arrived.size in 30..70) { "${arrived.size}" }
    }
}
