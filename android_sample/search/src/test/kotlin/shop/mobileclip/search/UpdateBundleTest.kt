package shop.mobileclip.search

import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertSame
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.BeforeEach
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows
import org.junit.jupiter.api.io.TempDir
import java.io.File
import java.io.IOException

/** Encoders that come with an update. CatalogUpdatesTest has the golden ones, and those that are killed at any moment. */
class UpdateBundleTest {
    @TempDir
    lateinit var folder: File

    private val state get() = File(folder, "updates")
    private val bundle = GoldenUpdates.bytes("statements/bundle.update")
    private val nightAfter = GoldenUpdates.bytes("statements/bundle-the-night-after.update")
    private val read = GoldenUpdates.statement(bundle)
    private val manifest = checkNotNull(read.manifest)
    private val weights = manifest.files.first { it.path.endsWith("weight.bin") }
    private val encoders get() = File(state, "${manifest.sha256}.bundle")
    private val partial get() = File(state, "${manifest.sha256}.bundle.part")

    @BeforeEach
    fun fresh() {
        state.deleteRecursively()
        check(state.mkdir())
    }

    private fun site(statement: ByteArray = bundle, moments: Moments = Moments(), atOnce: Int = 1 shl 16) =
        UpdateSite(GoldenUpdates.files(statement), moments, atOnce = atOnce)

    private fun updates(site: UpdateFetch, disk: Disk = Disk.System): CatalogUpdates =
        GoldenUpdates.updates(state, site, disk = disk, takesBundles = true)

    private fun started(site: UpdateFetch, disk: Disk = Disk.System): CatalogUpdates =
        updates(site, disk).also { it.start(GoldenUpdates.base()) }

    private fun updated(site: UpdateFetch): UpdateOutcome.Updated {
        val outcome = started(site).update()
        return if (outcome is UpdateOutcome.Failed) throw outcome.error else outcome as UpdateOutcome.Updated
    }

    private fun failed(site: UpdateFetch, kind: UpdateErrorKind) =
        assertSame(kind, (started(site).update() as UpdateOutcome.Failed).kind)

    private fun checkWhole(folder: File?) =
        assertEquals(GoldenUpdates.files(GoldenUpdates.bundle), GoldenUpdates.files(checkNotNull(folder)))

    private fun UpdateSite.askedOfTheBundle() = asked.filter { it.first.startsWith("bundle/") }

    @Test
    fun `encoders come before their catalog, each file once, and lie in a folder of their own`() {
        val site = site()
        val updated = updated(site)
        assertEquals(read.space, updated.catalog.space)
        checkWhole(updated.encoders)
        val paths = listOf("shop.update", manifest.path) + manifest.files.map { it.path } + read.catalog.path
        assertEquals(paths.map { it to 0L }, site.asked)
        val names = setOf(encoders.name, "${read.catalog.digest}.catalog", "shop.update", "highest")
        assertEquals(names, state.list()!!.toSet())
        assertEquals(read.space, ModelManifest.load(File(updated.encoders, "manifest.json")).space)
    }

    @Test
    fun `an app that takes no encoders refuses them, and asks for none`() {
        val site = site()
        val updates = GoldenUpdates.updates(state, site).apply { start(GoldenUpdates.base()) }
        assertTrue("other encoders" in (updates.update() as UpdateOutcome.Failed).error.message!!)
        assertEquals(listOf("shop.update" to 0L), site.asked)
    }

    @Test
    fun `of encoders beside a catalog of the app's own space nothing is fetched`() {
        val site = site(GoldenUpdates.bytes("statements/own-space-with-a-bundle.update"))
        val updated = updated(site)
        assertNull(updated.encoders)
        assertEquals(GoldenUpdates.space, updated.catalog.space)
        assertEquals(emptyList<Any>(), site.askedOfTheBundle())
    }

    @Test
    fun `the night after, a delta of the new space is all that comes`() {
        val site = site()
        val updates = started(site)
        checkWhole((updates.update() as UpdateOutcome.Updated).encoders)
        site.files["shop.update"] = nightAfter
        site.asked.clear()
        val next = updates.update() as UpdateOutcome.Updated
        assertSame(UpdateWay.DELTA, next.way)
        assertEquals(listOf("shop.update", "deltas/foreign-2.delta"), site.asked.map { it.first })
        checkWhole(next.encoders)
        next.catalog.verify()
        checkWhole(updates(site).start(GoldenUpdates.base()).encoders)
    }

    @Test
    fun `what came whole is not fetched again, and a part goes on`() {
        val site = site(moments = Moments(at = 60) { IOException("connection reset") }, atOnce = 60)
        failed(site, UpdateErrorKind.NETWORK)
        val (whole, asked) = GoldenUpdates.files(partial).keys to site.askedOfTheBundle().map { it.first }
        assertEquals(3, whole.size) { "$whole" }
        val (part, place) = state.listFiles()!!.first {
            it.isFile && it.name.endsWith(".part")
        }.let { it to it.length() }
        assertEquals(120, place)
        val next = site()
        checkWhole(updated(next).encoders)
        val left = next.askedOfTheBundle()
        assertEquals(asked.last() to place, left.first())
        assertEquals(part.name, "${(manifest.files + manifest).first { it.path == asked.last() }.sha256}.part")
        assertEquals(3, left.size)
    }

    @Test
    fun `encoders whose catalog did not come are there after a start`() {
        val site = site().apply { files[read.catalog.path] = null }
        failed(site, UpdateErrorKind.NETWORK)
        val next = site()
        checkWhole(updated(next).encoders)
        assertEquals(emptyList<Any>(), next.askedOfTheBundle())
    }

    @Test
    fun `a file that comes damaged costs its part alone`() {
        for (edit in listOf<(ByteArray) -> ByteArray>({ it.copyOf(it.size + 1) }, { ByteArray(it.size) })) {
            fresh()
            val site = site().apply { files[weights.path] = edit(checkNotNull(files[weights.path])) }
            failed(site, UpdateErrorKind.DAMAGED)
            assertEquals(3, GoldenUpdates.files(partial).size)
            assertFalse(state.list()!!.any { it == "${weights.sha256}.part" })
            val next = site()
            checkWhole(updated(next).encoders)
            assertEquals(weights.path to 0L, next.askedOfTheBundle().first())
        }
    }

    @Test
    fun `what lay there whole is proven again, and is all deleted where it is another's`() {
        val inside = weights.path.removePrefix("bundle/")
        val site = site()
        GoldenUpdates.bundle.copyRecursively(partial)
        File(partial, inside).writeBytes(ByteArray(weights.bytes.toInt()))
        failed(site, UpdateErrorKind.DAMAGED)
        assertEquals(emptyList<Any>(), site.askedOfTheBundle())
        assertFalse(partial.exists())
        GoldenUpdates.bundle.copyRecursively(partial)
        File(partial, inside).writeBytes(ByteArray(3)) // not whole: fetched
        checkWhole(updated(site).encoders)
        assertEquals(listOf(weights.path to 0L), site.askedOfTheBundle())
    }

    @Test
    fun `a folder that a kill left half deleted is fetched anew`() {
        val updates = started(site())
        GoldenUpdates.bundle.copyRecursively(encoders)
        File(encoders, "text.tflite").delete()
        checkWhole((updates.update() as UpdateOutcome.Updated).encoders)
    }

    @Test
    fun `a folder that is there whole needs nothing`() {
        val site = site()
        val updates = started(site)
        GoldenUpdates.bundle.copyRecursively(encoders)
        checkWhole((updates.update() as UpdateOutcome.Updated).encoders)
        assertEquals(emptyList<Any>(), site.askedOfTheBundle())
    }

    @Test
    fun `a file that the server holds short is damaged, and begins anew`() {
        val short = ByteArray(weights.bytes.toInt()) { 1 }
        for (place in listOf(70, 40)) { // where the part ends, and before it
            fresh()
            File(state, "${weights.sha256}.part").writeBytes(short.copyOf(70))
            failed(site().apply { files[weights.path] = short.copyOf(place) }, UpdateErrorKind.DAMAGED)
            val next = site()
            checkWhole(updated(next).encoders)
            assertTrue(weights.path to 0L in next.asked)
        }
    }

    @Test
    fun `a delta that the server holds short is the whole catalog, in the same update`() {
        val tuesday = GoldenUpdates.bytes("statements/tuesday.update")
        val delta = GoldenUpdates.statement(tuesday).deltas.first()
        val site = site(tuesday).apply { files[delta.path] = checkNotNull(files[delta.path]).copyOf(9) }
        File(state, "${delta.sha256}.part").writeBytes(GoldenUpdates.bytes(delta.path).copyOf(700))
        assertSame(UpdateWay.WHOLE, updated(site).way)
        assertEquals(listOf(delta.path to 700L, "tuesday.catalog" to 0L), site.asked.drop(1))
    }

    @Test
    fun `back with the app's own encoders, and the folder goes at the next start`() {
        GoldenUpdates.put(bundle, state)
        val site = site(GoldenUpdates.bytes("statements/back-to-the-apps-own-encoders.update"))
        val updated = updated(site)
        assertNull(updated.encoders)
        checkWhole(encoders) // which a search that runs may still read
        val after = updates(site).start(GoldenUpdates.base())
        assertEquals(updated.catalog.digest, after.catalog.digest)
        assertFalse(encoders.exists())
    }

    @Test
    fun `parts of encoders stay at a start, and go once they are of no use`() {
        val old = File(state, "${"0".repeat(64)}.bundle.part").apply { mkdir() }
        File(old, "text.tflite").writeText("part")
        val updates = started(site(GoldenUpdates.bytes("statements/tuesday.update")))
        assertTrue(old.exists())
        updates.update()
        assertFalse(old.exists())
    }

    @Test
    fun `what is given up does not come again, on no night after, but the app's own encoders do`() {
        GoldenUpdates.put(bundle, state)
        val site = site()
        val updates = updates(site)
        checkWhole(updates.start(GoldenUpdates.base()).encoders)
        val own = updates.giveUp()
        assertEquals(listOf(0L, GoldenUpdates.base().digest), listOf(own.number, own.catalog.digest))
        assertNull(own.encoders)
        assertFalse(encoders.exists())
        assertSame(UpdateErrorKind.REFUSED, (updates.update() as UpdateOutcome.Failed).kind)
        site.files["shop.update"] = nightAfter
        assertSame(UpdateErrorKind.REFUSED, (updates.update() as UpdateOutcome.Failed).kind)
        assertSame(UpdateErrorKind.REFUSED, (started(site).update() as UpdateOutcome.Failed).kind)
        site.files["shop.update"] = GoldenUpdates.bytes("statements/back-to-the-apps-own-encoders.update")
        assertNull((updates.update() as UpdateOutcome.Updated).encoders)
    }

    @Test
    fun `where nothing is there to give up, nothing changes`() {
        assertThrows<IllegalStateException> { updates(site()).giveUp() }
        val updates = started(site())
        assertEquals(0, updates.giveUp().number)
        assertEquals(emptyList<String>(), state.list()!!.toList())
        checkWhole((updates.update() as UpdateOutcome.Updated).encoders)
    }

    @Test
    fun `killed at any moment while it is given up, or with a disk that fails, it is in force or gone`() {
        for (fail in listOf(::Killed, { IOException("no space left on device") })) {
            var at = 0
            do {
                fresh()
                GoldenUpdates.put(bundle, state)
                File(state, "highest").writeText("4")
                val begun = Moments().also { started(site(), FailingDisk(it)) }.count
                val moments = Moments(begun + at++, fail)
                val updates = started(site(), FailingDisk(moments))
                try {
                    assertNull(updates.giveUp().encoders)
                } catch (killed: Killed) {
                    check(moments.isOver)
                }
                val found = updates(site()).start(GoldenUpdates.base())
                assertTrue(found.problem?.message?.contains("given up here") ?: true) { "$at: ${found.problem}" }
                assertTrue(found.number == 0L || (moments.isOver && found.number == 4L)) { "$at" }
                if (found.number == 4L) checkWhole(found.encoders) else assertFalse(encoders.exists())
            } while (moments.isOver)
            assertTrue(at > 10) { "$at" }
        }
    }
}
