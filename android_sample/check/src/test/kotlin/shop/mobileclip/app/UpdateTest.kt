package shop.mobileclip.app

import android.app.Activity
import android.net.ConnectivityManager
import android.net.NetworkInfo
import android.os.Bundle
import android.widget.TextView
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertSame
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
import shop.mobileclip.search.CatalogUpdates
import shop.mobileclip.search.ProductCatalog
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

/** README.md's own lines, with a server that publishes the app's own catalog. */
class PublishedApplication : UpdatingApplication() {
    private val pair = KeyPairGenerator.getInstance("EC").run {
        initialize(ECGenParameterSpec("secp256r1"))
        generateKeyPair()
    }
    override val keys = listOf(Base64.getEncoder().encodeToString(pair.public.encoded))
    override val fetch = UpdateFetch { path, _ ->
        asked += path
        UpdateDownload(0, (statement ?: throw FileNotFoundException(path)).inputStream())
    }
    val asked = mutableListOf<String>()
    var statement: ByteArray? = null

    override fun encoder(files: ShopFiles) = fake(files.manifest)

    /** Signs that the app's own catalog is the newest. */
    fun publish(number: Int) {
        val (bytes, own) = assets.open("shop.catalog").use { it.readBytes() } to shop().catalog
        val sha256 = MessageDigest.getInstance("SHA-256").digest(bytes).joinToString("") { "%02x".format(it) }
        val catalog = """"digest":"${own.digest}","path":"shop.catalog","sha256":"$sha256","bytes":${bytes.size}"""
        val text = """{"format":"mobileclip-update","version":1,"name":"shop","number":$number,""" +
            """"space":"${own.space}","catalog":{$catalog},"deltas":[]}"""
        val signature = Signature.getInstance("SHA256withECDSAinP1363Format").run {
            initSign(pair.private)
            update(text.toByteArray())
            sign()
        }
        statement = signature + text.toByteArray()
    }
}

/** The app over the golden catalogs of three days. */
class GoldenDaysApplication : ShopApplication() {
    private val goldens = File(System.getenv("GOLDENS"), "updates")
    private val base = ProductCatalog.open(File(goldens, "base.catalog"))
    lateinit var updates: CatalogUpdates
        private set

    override fun encoder(files: ShopFiles) = FakeEncoder(base.space, FloatArray(base.dim) { if (it == 0) 1f else 0f })

    override fun catalog(files: ShopFiles): ProductCatalog {
        val keys = File(goldens, "key.txt").readLines().filter { it.isNotEmpty() }
        val fetch = UpdateFetch { path, _ -> UpdateDownload(0, File(goldens, path).inputStream()) }
        updates = CatalogUpdates("shop", File(filesDir, "updates"), base.space, keys, P256, fetch)
        return updates.start(base).catalog
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
