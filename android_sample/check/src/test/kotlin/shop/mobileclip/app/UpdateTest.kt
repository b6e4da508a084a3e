package shop.mobileclip.app

import android.app.Activity
import android.net.ConnectivityManager
import android.net.NetworkInfo
import android.os.Bundle
import android.widget.TextView
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertSame
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.Robolectric
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.Shadows.shadowOf
import org.robolectric.annotation.Config
import org.robolectric.shadows.ShadowNetworkInfo
import shop.mobileclip.android.ShopFiles
import shop.mobileclip.search.BadFileException
import shop.mobileclip.search.CatalogUpdates
import shop.mobileclip.search.EmbeddingEncoder
import shop.mobileclip.search.EncoderPart
import shop.mobileclip.search.NewProduct
import shop.mobileclip.search.ProductCatalog
import shop.mobileclip.search.RGBImage
import shop.mobileclip.search.SearchOutcome
import shop.mobileclip.search.SearchRequest
import shop.mobileclip.search.UpdateDownload
import shop.mobileclip.search.UpdateFetch
import shop.mobileclip.search.UpdateOutcome
import shop.mobileclip.update.Network
import shop.mobileclip.update.P256
import shop.mobileclip.update.UpdatingApplication
import java.io.File
import java.io.FileNotFoundException
import java.security.KeyPairGenerator
import java.security.MessageDigest
import java.security.Signature
import java.security.spec.ECGenParameterSpec
import java.util.Base64
import java.util.concurrent.CompletableFuture
import java.util.concurrent.CountDownLatch

/** README.md's own lines, with a server that publishes the app's own catalog, or a copy of it for other encoders. */
class PublishedApplication : UpdatingApplication() {
    private val pair = KeyPairGenerator.getInstance("EC").run {
        initialize(ECGenParameterSpec("secp256r1"))
        generateKeyPair()
    }
    override val keys = listOf(Base64.getEncoder().encodeToString(pair.public.encoded))
    override val fetch = UpdateFetch { path, _ ->
        asked += path
        UpdateDownload(0, (site[path] ?: throw FileNotFoundException(path)).inputStream())
    }
    val asked = mutableListOf<String>()
    private val site = mutableMapOf<String, ByteArray>()

    /** Of the encoders that were made: the space, and what was loaded. */
    val loaded = mutableListOf<Pair<String, EncoderPart>>()
    var doesLoad = true

    override fun encoder(files: ShopFiles): EmbeddingEncoder = fake(files.manifest).let { fake ->
        object : EmbeddingEncoder by fake {
            override fun prepare(part: EncoderPart) {
                if (!doesLoad) throw UnsatisfiedLinkError("no such operator")
                loaded += space to part
            }
        }
    }

    /** The shop as the next start opens it. */
    fun again(): Shop = open(files())

    /** Signs that the app's own catalog is the newest, or that of [space], with encoders. */
    fun publish(number: Int, space: String? = null) {
        val own = ownSpace
        val files = assets.list("").orEmpty().filter { it.endsWith(".tflite") || it == "tokenizer.safetensors" }
        val manifest = text("manifest.json").replace(own, space ?: own)
        site["b/manifest.json"] = manifest.toByteArray(Charsets.ISO_8859_1)
        for (name in files) site["b/$name"] = assets.open(name).use { it.readBytes() }
        site["shop.catalog"] = sealed(text("shop.catalog").replace(own, space ?: own))
        val catalog = ProductCatalog.open(File(cacheDir, "made").apply { writeBytes(site.getValue("shop.catalog")) })
        val listed = files.joinToString { "{${described("b/$it")}}" }
        val bundle = if (space == null) "" else ""","manifest":{${described("b/manifest.json")},"files":[$listed]}"""
        val text = """{"format":"mobileclip-update","version":1,"name":"shop","number":$number,"space":""" +
            """"${space ?: own}","catalog":{"digest":"${catalog.digest}",${described(
                "shop.catalog",
            )}},"deltas":[]$bundle}"""
        val signature = Signature.getInstance("SHA256withECDSAinP1363Format").run {
            initSign(pair.private)
            update(text.toByteArray())
            sign()
        }
        site["shop.update"] = signature + text.toByteArray()
    }

    val ownSpace: String by lazy { ShopFiles.open(assets).manifest.space }

    private fun text(name: String) = assets.open(name).use { it.readBytes() }.toString(Charsets.ISO_8859_1)

    private fun described(path: String): String {
        val bytes = site.getValue(path)
        return """"path":"$path","sha256":"${digest(bytes)}","bytes":${bytes.size}"""
    }

    /** A catalog with its digest in it. */
    private fun sealed(file: String): ByteArray {
        val place = file.indexOf(DIGEST) + DIGEST.length
        val zeros = file.replaceRange(place, place + 64, "0".repeat(64)).toByteArray(Charsets.ISO_8859_1)
        return zeros.also { digest(it).toByteArray().copyInto(it, place) }
    }

    private fun digest(bytes: ByteArray) =
        MessageDigest.getInstance("SHA-256").digest(bytes).joinToString("") { "%02x".format(it) }

    private companion object {
        const val DIGEST = "\"sha256\":\""
    }
}

/** The app over the golden catalogs of three days. */
class GoldenDaysApplication : ShopApplication() {
    private val goldens = File(System.getenv("GOLDENS"), "updates")
    private val base = ProductCatalog.open(File(goldens, "base.catalog"))
    lateinit var updates: CatalogUpdates
        private set

    override fun encoder(files: ShopFiles) = FakeEncoder(base.space, FloatArray(base.dim) { if (it == 0) 1f else 0f })

    override fun files(): ShopFiles {
        val keys = File(goldens, "key.txt").readLines().filter { it.isNotEmpty() }
        val fetch = UpdateFetch { path, _ -> UpdateDownload(0, File(goldens, path).inputStream()) }
        updates = CatalogUpdates("shop", File(filesDir, "updates"), base.space, keys, P256, fetch)
        return ShopFiles.open(assets).with(updates.start(base).catalog, null)
    }
}

/** What is on the screens, and what outlives them, while the shop's catalog is replaced by the next one. */
@RunWith(RobolectricTestRunner::class)
@Config(sdk = [35], qualifiers = "w411dp-h731dp-xhdpi")
class UpdateTest {
    private val application get() = RuntimeEnvironment.getApplication() as ShopApplication

    private fun text(activity: Activity, id: Int): String = activity.findViewById<TextView>(id).text.toString()

    private fun shown(activity: SearchActivity): List<Card> =
        (activity.model.state as SearchState.Found).let { it.cards + it.doubtful }

    private fun details(id: String): Activity =
        Robolectric.buildActivity(DetailsActivity::class.java, DetailsActivity.intent(application, id)).setup()
            .also { settle() }.get()

    @Suppress("DEPRECATION") // of networks, which Robolectric asks for
    private fun on(type: Int) {
        val network = ShadowNetworkInfo.newInstance(
            NetworkInfo.DetailedState.CONNECTED,
            type,
            0,
            true,
            NetworkInfo.State.CONNECTED,
        )
        shadowOf(application.getSystemService(ConnectivityManager::class.java)).setActiveNetworkInfo(network)
    }

    @Test
    @Config(application = PublishedApplication::class)
    @Suppress("DEPRECATION")
    fun `the lines of the README update the app over Wi-Fi alone`() {
        val app = application as PublishedApplication
        on(ConnectivityManager.TYPE_MOBILE)
        assertTrue(Network.isMetered(app))
        app.update()
        assertEquals(emptyList<String>(), app.asked)
        on(ConnectivityManager.TYPE_WIFI)
        assertFalse(Network.isMetered(app))
        app.update() // nothing is published: a failure that is told, and no more
        assertFalse(File(app.filesDir, "updates/shop.update").exists())
        app.publish(7)
        app.update()
        assertEquals("7", File(app.filesDir, "updates/highest").readText())
        app.update()
        assertEquals(listOf("shop.update", "shop.update", "shop.update"), app.asked)
    }

    @Test
    @Config(application = PublishedApplication::class)
    @Suppress("DEPRECATION")
    fun `the lines of the README swap encoders and catalog as one, and a search that runs keeps the old`() {
        val app = application as PublishedApplication
        on(ConnectivityManager.TYPE_WIFI)
        val (before, other) = app.shop() to "b".repeat(64)
        before.change { it.add(NewProduct("new-1", "Blue mug"), RGBImage(ByteArray(300), 10, 10), ByteArray(1)) }
        val overlay = File(app.filesDir, "staff/overlay.catalog")
        val added = overlay.readText(Charsets.ISO_8859_1)
        val search = Robolectric.buildActivity(SearchActivity::class.java).setup().also { settle() }.get()
        search.model.ask(Question("a mug"))
        settle()
        val found = shown(search).map { it.id }
        app.publish(7, other)
        val (held, ended) = CountDownLatch(1) to CompletableFuture<SearchOutcome>()
        app.worker.execute(held::await)
        before.searcher.search(SearchRequest("a cup")) { ended.complete(it) }
        app.loaded.clear()
        app.update()
        held.countDown()
        assertEquals(app.ownSpace, (ended.get() as SearchOutcome.Found).catalog.space)
        val after = app.shop()
        assertEquals(EncoderPart.entries.map { other to it }, app.loaded)
        assertEquals(listOf(other, other), listOf(after.manifest.space, after.catalog.space))
        after.catalog.verify()
        search.model.retry()
        settle()
        assertEquals(found - "new-1", shown(search).map { it.id }.dropLast(1))
        assertEquals(listOf(other, null), app.again().run { listOf(manifest.space, catalog.place("new-1")) })
        assertThrows(BadFileException::class.java) { after.staff }
        assertEquals(added, overlay.readText(Charsets.ISO_8859_1)) // of the old space: it is not used, and stays

        app.asked.clear()
        app.publish(8, other)
        app.update()
        assertEquals(listOf("shop.update"), app.asked)
        assertSame(after, app.shop())
        val folder = File(app.filesDir, "updates").listFiles()!!.single { it.name.endsWith(".bundle") }
        val files = ShopFiles.open(app.assets).with(after.catalog, folder)
        assertEquals(app.assets.open("text.tflite").use { it.available() }, files.mapped("text.tflite").capacity())
        assertEquals(app.ownSpace, files.encoder().use { it.space }) // the files themselves are the app's own

        File(folder, "tokenizer.safetensors").run { writeBytes(ByteArray(length().toInt())) }
        val own = app.again() // the folder cannot be opened: it is given up
        assertEquals(app.ownSpace, own.manifest.space)
        assertTrue(own.catalog.place("new-1") != null)
        assertEquals(listOf("given-up", "highest"), File(app.filesDir, "updates").list()!!.sorted())
    }

    @Test
    @Config(application = PublishedApplication::class)
    @Suppress("DEPRECATION")
    fun `encoders that do not load here are given up, and the app goes on as it was`() {
        val app = application as PublishedApplication
        on(ConnectivityManager.TYPE_WIFI)
        val (before, other) = app.shop() to "c".repeat(64)
        app.publish(7, other)
        app.doesLoad = false
        app.update()
        assertSame(before, app.shop())
        assertEquals(listOf("given-up", "highest"), File(app.filesDir, "updates").list()!!.sorted())
        app.doesLoad = true
        for (night in 7..8) { // these encoders are not taken again
            app.publish(night, other)
            app.update()
            assertSame(before, app.shop())
        }
        val next = "d".repeat(64)
        app.publish(9, next)
        app.update()
        assertEquals(next, app.shop().manifest.space)
    }

    @Test
    @Config(application = GoldenDaysApplication::class)
    fun `after a swap each screen goes by the shop's own ids`() {
        val app = application as GoldenDaysApplication
        val before = app.shop().catalog
        val updated = app.shop().let { app.updates.update() as UpdateOutcome.Updated }
        val next = updated.catalog
        val ids = List(before.size) { before.product(it).id }
        val moved = ids.first { next.place(it) != null && next.place(it) != before.place(it) }
        val gone = ids.first { next.place(it) == null }
        val search = Robolectric.buildActivity(SearchActivity::class.java).setup().also { settle() }
        search.get().model.ask(Question(like = moved))
        settle()
        val (one, other) = details(moved) to details(gone)
        assertEquals(before.product(gone)?.name, text(other, R.id.card_name))
        assertEquals(before.product(moved)?.name, text(one, R.id.card_name))

        app.shop().change { it.rebase(next) }
        assertSame(next.digest, app.shop().catalog.digest)
        assertEquals(next.product(moved)?.name, text(details(moved), R.id.card_name))
        assertEquals(app.getString(R.string.gone), text(details(gone), R.id.details_message))
        search.get().model.retry() // the same question, over the new catalog
        settle()
        val found = shown(search.get())
        assertTrue(found.isNotEmpty() && found.all { it.id != moved && next.product(it.id)?.name == it.name })
        val saved = Bundle()
        search.pause().stop().saveInstanceState(saved).destroy()
        val again = Robolectric.buildActivity(SearchActivity::class.java).create(saved).start().resume().visible()
        settle()
        assertEquals(found.map { it.id }, shown(again.get()).map { it.id })
        again.get().model.ask(Question("a mug", category = before.categories.first { it !in next.categories }))
        settle()
        assertTrue(shown(again.get()).isNotEmpty()) // a category that is gone filters nothing
        again.get().model.ask(Question(like = gone))
        settle()
        assertEquals(SearchState.Failed(R.string.gone), again.get().model.state)
    }

    @Test
    @Config(application = GoldenDaysApplication::class)
    fun `searches that run while catalogs are swapped show one catalog each`() {
        val app = application as GoldenDaysApplication
        val shop = app.shop()
        val both = listOf(shop.catalog, (app.updates.update() as UpdateOutcome.Updated).catalog)
        val names = both.map { catalog -> List(catalog.size) { catalog.product(it) }.associate { it.id to it.name } }
        val search = Robolectric.buildActivity(SearchActivity::class.java).setup().also { settle() }.get()
        val swaps = Thread { repeat(200) { turn -> shop.change { it.rebase(both[turn % 2]) } } }.apply { start() }
        var shown = 0
        while (swaps.isAlive || shown == 0) {
            search.model.ask(Question("a mug ${shown % 5}"))
            settle()
            val found = shown(search)
            assertTrue(names.any { catalog -> found.all { catalog[it.id] == it.name } })
            shown++
        }
        swaps.join()
    }
}
