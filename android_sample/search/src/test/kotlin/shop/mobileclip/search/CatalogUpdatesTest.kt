package shop.mobileclip.search

import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertInstanceOf
import org.junit.jupiter.api.Assertions.assertNotNull
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertSame
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.DynamicTest
import org.junit.jupiter.api.DynamicTest.dynamicTest
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.TestFactory
import org.junit.jupiter.api.assertThrows
import org.junit.jupiter.api.io.TempDir
import java.io.File
import java.io.IOException
import java.security.MessageDigest

class CatalogUpdatesTest {
    @TempDir
    lateinit var folder: File

    private val state get() = File(folder, "updates")
    private val shop = GoldenUpdates.bytes("shop.update")
    private val tuesday = GoldenUpdates.bytes("statements/tuesday.update")
    private val whole = GoldenUpdates.bytes("statements/whole.update")

    private fun statement(bytes: ByteArray) = GoldenUpdates.statement(bytes)

    private fun fresh() {
        state.deleteRecursively()
        check(state.mkdir())
    }

    private val bundle = GoldenUpdates.bytes("statements/bundle.update")
    private val nightAfter = GoldenUpdates.bytes("statements/bundle-the-night-after.update")
    private val back = GoldenUpdates.bytes("statements/back-to-the-apps-own-encoders.update")

    private fun put(statement: ByteArray) = GoldenUpdates.put(statement, state)

    /** Of a folder of encoders, whether it is the golden one, byte for byte; none: whether none is expected. */
    private fun checkEncoders(expected: String?, found: File?) {
        assertEquals(expected == "bundle", found != null)
        if (found == null) return
        assertEquals(File(state, "${statement(bundle).manifest?.sha256}.bundle"), found)
        assertEquals(GoldenUpdates.files(GoldenUpdates.bundle), GoldenUpdates.files(found))
    }

    private fun updates(
        site: UpdateFetch,
        disk: Disk = Disk.System,
        keys: List<String> = GoldenUpdates.keys.take(1),
        bundled: ByteArray? = null,
        bundles: Boolean = true,
    ): Pair<CatalogUpdates, CatalogInForce> {
        val updates = GoldenUpdates.updates(state, site, keys, disk, takesBundles = bundles)
        return updates to updates.start(GoldenUpdates.base(), bundled)
    }

    private fun site(statement: ByteArray = shop, moments: Moments = Moments(), atOnce: Int = 1 shl 16) =
        UpdateSite(GoldenUpdates.files(statement), moments, atOnce = atOnce)

    /** What a start after all that finds in force, which must be whole. */
    private fun inForce(keys: List<String> = GoldenUpdates.keys, bundles: Boolean = true): CatalogInForce =
        updates(site(), keys = keys, bundles = bundles).second.also { it.catalog.verify() }

    private fun highest() = File(state, "highest").takeIf { it.exists() }?.readText()?.toLongOrNull() ?: 0

    private fun failed(outcome: UpdateOutcome): UpdateOutcome.Failed =
        assertInstanceOf(UpdateOutcome.Failed::class.java, outcome).also {
            assertEquals(1, it.error.message!!.lines().size)
        }

    private fun updated(outcome: UpdateOutcome): UpdateOutcome.Updated =
        if (outcome is UpdateOutcome.Failed) throw outcome.error else outcome as UpdateOutcome.Updated

    // The goldens.

    @TestFactory
    fun `golden updates end as they must`(): List<DynamicTest> = GoldenUpdates.answers.objects("cases").map { case ->
        dynamicTest(case.text("name")) { check(case) }
    }

    private fun check(case: Map<String, Json>) {
        fresh()
        case["in_force"]?.takeIf { it != Json.Null }?.let { put(GoldenUpdates.bytes(it.asText("in_force"))) }
        File(state, "highest").writeText("${case.int("highest")}")
        putGivenUp(case)
        val files = GoldenUpdates.files(
            GoldenUpdates.edited(
                GoldenUpdates.bytes(case.text("file")),
                case["edit"]?.asObject("edit"),
            ),
        )
        for ((path, edit) in case["serve"]?.asObject("serve").orEmpty()) {
            files[path] = edit.takeIf { it != Json.Null }?.let {
                GoldenUpdates.edited(checkNotNull(files[path]), it.asObject("edit"))
            }
        }
        for ((path, length) in case["parts"]?.asObject("parts").orEmpty()) {
            val whole = GoldenUpdates.bytes(path)
            File(
                state,
                "${hex(MessageDigest.getInstance("SHA-256").digest(whole))}.part",
            ).writeBytes(whole.copyOf(length.asLong("parts").toInt()))
        }
        val keys = case.list("keys").map { GoldenUpdates.keys[it.asLong("key").toInt()] }
        val bundles = case["bundles"]?.asBool("bundles") ?: false
        val (updates, before) = updates(UpdateSite(files), keys = keys, bundles = bundles)
        assertNull(before.problem)
        val (outcome, expected) = updates.update() to case.part("expected").asObject("expected")
        val answer = when (outcome) {
            is UpdateOutcome.Current -> "current"
            is UpdateOutcome.Updated -> "updated"
            is UpdateOutcome.Failed -> "failed"
            UpdateOutcome.Cancelled -> "cancelled"
        }
        assertEquals(expected.text("answer"), answer) { "${(outcome as? UpdateOutcome.Failed)?.error}" }
        if (outcome is UpdateOutcome.Failed) assertEquals(expected.text("kind"), outcome.kind.name)
        if (outcome is UpdateOutcome.Updated) {
            assertEquals(expected.text("how"), outcome.way.name.lowercase())
            assertEquals(expected.part("number").asLong("number"), outcome.number)
            expected["fetched"]?.let { assertEquals(it.asLong("fetched"), outcome.bytesFetched) }
            assertEquals(expected.part("expired").asBool("expired"), outcome.isExpired)
            outcome.catalog.verify()
            checkEncoders(expected["encoders"]?.asText("encoders"), outcome.encoders)
        }
        assertEquals(expected.part("highest").asLong("highest"), highest())
        val after = inForce(keys, bundles)
        checkEncoders(expected["encoders"]?.asText("encoders"), after.encoders)
        assertEquals(expected.part("in_force").asLong("in_force"), after.number)
        assertNull(after.problem)
    }

    private fun putGivenUp(case: Map<String, Json>) {
        case["given_up"]?.let { File(state, "given-up").writeText(it.asText("given_up")) }
    }

    @TestFactory
    fun `golden starts find what is in force`(): List<DynamicTest> =
        GoldenUpdates.answers.objects("starts").map { case ->
            dynamicTest(case.text("name")) { checkStart(case) }
        }

    private fun checkStart(case: Map<String, Json>) {
        fresh()
        val edits = case.part("edit").asObject("edit")
        for ((name, source) in case.part("state").asObject("state")) {
            val bytes = GoldenUpdates.bytes(source.asText("source"))
            File(state, name).apply {
                parentFile.mkdirs()
            }.writeBytes(GoldenUpdates.edited(bytes, edits[name]?.asObject("edit")))
        }
        case.part("highest").takeIf { it != Json.Null }?.let { File(state, "highest").writeText(it.asText("highest")) }
        putGivenUp(case)
        val keys = case.list("keys").map { GoldenUpdates.keys[it.asLong("key").toInt()] }
        val bundled = case.part("bundled").takeIf { it != Json.Null }?.let { GoldenUpdates.bytes(it.asText("bundled")) }
        val bundles = case["bundles"]?.asBool("bundles") ?: false
        val (_, found) = updates(site(), keys = keys, bundled = bundled, bundles = bundles)
        checkEncoders(case["encoders"]?.takeIf { it != Json.Null }?.asText("encoders"), found.encoders)
        assertEquals(case.int("in_force").toLong(), found.number)
        assertEquals(case.int("highest_after").toLong(), highest())
        found.catalog.verify()
        val statements = if (bundled == null && found.number > 0) setOf("shop.update") else emptySet()
        val catalogs = setOf("${found.catalog.digest}.catalog").filter { found.catalog.name.startsWith(state.path) }
        val isKept = catalogs.isNotEmpty() || statements.isNotEmpty()
        assertEquals(
            (if (isKept) catalogs + "shop.update" + listOfNotNull(found.encoders?.name) else emptyList()).sorted(),
            state.list()!!.toList().sorted() - "highest" - "given-up",
        )
        assertEquals(!isKept && "shop.update" in case.part("state").asObject("state"), found.problem != null)
    }

    @TestFactory
    fun `golden updates that are given up do not come back`(): List<DynamicTest> =
        GoldenUpdates.answers.objects("give_ups").map { case -> dynamicTest(case.text("name")) { checkGivenUp(case) } }

    private fun checkGivenUp(case: Map<String, Json>) {
        fresh()
        put(GoldenUpdates.bytes(case.text("in_force")))
        case["highest"]?.takeIf { it != Json.Null }?.let { File(state, "highest").writeText("${case.int("highest")}") }
        putGivenUp(case)
        val (updates, before) = updates(site(bundle), bundles = case.part("bundles").asBool("bundles"))
        assertNotNull(before.encoders)
        for (after in listOf(updates.giveUp(), inForce())) {
            assertEquals(case.int("in_force_after").toLong(), after.number)
            assertEquals(case.int("highest_after").toLong(), highest())
            assertNull(after.encoders)
            assertEquals(listOf("given-up", "highest"), state.list()!!.sorted())
        }
        assertSame(UpdateErrorKind.REFUSED, failed(updates.update()).kind)
    }

    // What lies between.

    @Test
    fun `days follow one another, and old catalogs go at the next start`() {
        val site = site(tuesday)
        val (updates, first) = updates(site)
        assertEquals(0, first.number)
        val second = updated(updates.update())
        assertEquals(listOf(2L, UpdateWay.DELTA), listOf(second.number, second.way))
        site.files["shop.update"] = shop
        val third = updated(updates.update())
        assertEquals(listOf(3L, UpdateWay.DELTA), listOf(third.number, third.way))
        assertEquals(4, state.list()!!.size) { "${state.list()!!.toList()}" } // both catalogs, statement, highest
        second.catalog.verify()
        assertArrayEquals(GoldenUpdates.bytes("wednesday.catalog"), File(third.catalog.name).readBytes())
        val (again, kept) = updates(site)
        assertEquals(listOf(3L, third.catalog.digest), listOf(kept.number, kept.catalog.digest))
        assertEquals(3, state.list()!!.size)
        assertEquals(3L, (again.update() as UpdateOutcome.Current).number)
        assertEquals(listOf("shop.update" to 0L), site.asked.takeLast(1))
    }

    @Test
    fun `what is the app's own already is in force without a download, at the next start too`() {
        val (updates, _) = updates(site(GoldenUpdates.bytes("statements/same-as-the-bundled.update")))
        assertSame(UpdateWay.SAME, updated(updates.update()).way)
        val again = inForce()
        assertEquals(listOf(1L, GoldenUpdates.file("base.catalog").path), listOf(again.number, again.catalog.name))
    }

    @Test
    fun `a download goes on where it ended`() {
        val size = GoldenUpdates.bytes("wednesday.catalog").size
        for (ranges in listOf(true, false)) {
            fresh()
            val files = GoldenUpdates.files(whole)
            repeat(5) {
                val broken = Moments(at = 5) { IOException("connection reset") } // after a block of the catalog
                val (updates, _) = updates(UpdateSite(files, broken, ranges, atOnce = 700))
                assertSame(UpdateErrorKind.NETWORK, failed(updates.update()).kind)
            }
            val site = UpdateSite(files, ranges = ranges)
            val outcome = updated(updates(site).first.update())
            assertTrue(site.asked.last().second > 0) { "${site.asked}" }
            assertEquals(ranges, outcome.bytesFetched < size) { "${outcome.bytesFetched} of $size" }
            assertEquals(3, inForce().number)
        }
    }

    @Test
    fun `a part that is not the file's is thrown away, and the next update begins anew`() {
        fresh()
        val catalog = statement(whole).catalog
        for (wrong in listOf(ByteArray(1000), ByteArray(catalog.bytes.toInt()))) {
            File(state, "${catalog.sha256}.part").writeBytes(wrong)
            val (updates, _) = updates(site(whole))
            assertSame(UpdateErrorKind.DAMAGED, failed(updates.update()).kind)
            assertSame(UpdateWay.WHOLE, updated(updates.update()).way)
            fresh()
        }
        File(state, "${catalog.sha256}.part").writeBytes(ByteArray(catalog.bytes.toInt() + 1))
        assertSame(UpdateWay.WHOLE, updated(updates(site(whole)).first.update()).way)
    }

    @Test
    fun `parts of what is no longer published go`() {
        fresh()
        val (updates, _) = updates(site())
        for (isCurrent in listOf(false, true)) {
            val old = File(state, "${"0".repeat(64)}.part").apply { writeBytes(ByteArray(9)) }
            updates(site())
            assertTrue(old.exists())
            assertEquals(isCurrent, updates.update() is UpdateOutcome.Current)
            assertEquals(3, state.list()!!.size) { "${state.list()!!.toList()}" }
        }
    }

    @Test
    fun `the highest number may lie elsewhere, and survives the folder`() {
        val kept = File(folder, "kept/highest")
        fun updates(statement: ByteArray) =
            GoldenUpdates.updates(state, site(statement), highest = kept).also { it.start(GoldenUpdates.base()) }
        updated(updates(shop).update())
        assertEquals("3", kept.readText())
        state.deleteRecursively()
        assertSame(UpdateErrorKind.REFUSED, failed(updates(tuesday).update()).kind)
        assertEquals(3, updated(updates(shop).update()).number)
    }

    @Test
    fun `prices grow old while nothing is published`() {
        put(GoldenUpdates.bytes("statements/expired.update").also { fresh() })
        val site = site(GoldenUpdates.bytes("statements/expired.update"))
        for ((day, expected) in listOf(GoldenUpdates.today to true, GoldenUpdates.today.minusDays(1) to false)) {
            val updates = GoldenUpdates.updates(state, site, day = day)
            assertEquals(expected, updates.start(GoldenUpdates.base()).isExpired)
            assertEquals(expected, (updates.update() as UpdateOutcome.Current).isExpired)
        }
    }

    @Test
    fun `an update before the start is a mistake of the app's`() {
        assertThrows<IllegalStateException> { GoldenUpdates.updates(state, site()).update() }
    }

    @Test
    fun `a cancelled update keeps what came`() {
        for ((statement, way) in listOf(shop to UpdateWay.DELTA, whole to UpdateWay.WHOLE)) {
            var asked = 0
            while (true) {
                fresh()
                val (updates, _) = updates(site(statement, atOnce = 700))
                var left = asked++
                val outcome = updates.update { left-- <= 0 }
                if (outcome is UpdateOutcome.Updated) break
                assertSame(UpdateOutcome.Cancelled, outcome)
                assertEquals(0, inForce().number)
                assertSame(way, updated(updates.update()).way)
            }
            assertTrue(asked > 10) { "$asked" }
        }
    }

    // Ended at any moment.

    /** Runs start and update with [moments] until none of them fails. */
    private fun everyMoment(
        statement: ByteArray,
        old: ByteArray?,
        moments: (Int) -> Moments,
        run: (Moments) -> Unit,
    ): Int {
        for (at in 0..Int.MAX_VALUE) {
            fresh()
            old?.let(::put)
            val now = moments(at)
            run(now)
            val found = inForce()
            val number = statement(statement).number
            assertTrue(found.number == number || found.number == (old?.let { statement(it).number } ?: 0L)) { "$at" }
            val expected = if (found.number == number) {
                statement(statement).catalog.digest
            } else {
                old?.let { statement(it).catalog.digest } ?: GoldenUpdates.base().digest
            }
            assertEquals(expected, found.catalog.digest)
            checkEncoders("bundle".takeIf { found.catalog.space != GoldenUpdates.space }, found.encoders)
            assertNull(found.problem) { "moment $at" }
            val (updates, _) = updates(site(statement))
            val outcome = updates.update()
            assertTrue(outcome is UpdateOutcome.Current == (found.number == number)) { "moment $at: $outcome" }
            if (outcome !is UpdateOutcome.Current) updated(outcome)
            assertEquals(listOf(number, number), listOf(inForce().number, highest()))
            if (!now.isOver) return at
        }
        error("no end")
    }

    private val ways = listOf(
        Triple("delta", shop, tuesday),
        Triple("first delta", shop, null),
        Triple("whole", whole, tuesday),
        Triple("same", GoldenUpdates.bytes("statements/same-catalog.update"), shop),
        Triple("bundle", bundle, tuesday),
        Triple("the night after a bundle", nightAfter, bundle),
        Triple("back from a bundle", back, bundle),
    )

    @TestFactory
    fun `killed at any moment, the old catalog is in force or the new one, whole`(): List<DynamicTest> =
        ways.map { (name, statement, old) ->
            dynamicTest(name) {
                val moments = everyMoment(statement, old, { Moments(it) }) { moments ->
                    try {
                        val site = site(statement, moments, atOnce = 97)
                        updated(updates(site, FailingDisk(moments)).first.update())
                        check(!moments.isOver)
                    } catch (killed: Killed) {
                        check(moments.isOver)
                    }
                }
                println("killed at $moments moments ($name)")
                assertTrue(moments >= if (name == "same") 15 else 50) { "$moments" }
            }
        }

    @TestFactory
    fun `a disk that is full from any moment on leaves the old catalog or the new one, whole`(): List<DynamicTest> =
        ways.map { (name, statement, old) ->
            dynamicTest(name) {
                val moments = everyMoment(statement, old, { Moments(it) { IOException("no space left on device") } }) {
                    val (updates, before) = updates(site(statement, atOnce = 97), FailingDisk(it))
                    assertNull(before.problem)
                    val outcome = updates.update()
                    if (outcome is UpdateOutcome.Failed) assertSame(UpdateErrorKind.DISK, outcome.kind)
                    assertNotNull(before.catalog.apply { verify() })
                }
                assertTrue(moments >= if (name == "same") 8 else 20) { "$moments" }
            }
        }

    @TestFactory
    fun `a network that fails at any moment leaves the old catalog, whole`(): List<DynamicTest> =
        ways.map { (name, statement, old) ->
            dynamicTest(name) {
                val moments = everyMoment(statement, old, { Moments(it) { IOException("connection reset") } }) {
                    val outcome = updates(site(statement, it, atOnce = 97)).first.update()
                    if (it.isOver) assertSame(UpdateErrorKind.NETWORK, failed(outcome).kind) else updated(outcome)
                }
                assertTrue(moments >= if (name == "same") 8 else 40) { "$moments" }
            }
        }
}
