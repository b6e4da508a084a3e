package shop.mobileclip.app

import android.app.Activity
import android.os.Bundle
import android.widget.TextView
import shop.mobileclip.android.GoldenCheck

/** Hidden, for developers: what [GoldenCheck] finds on this device, shown, and written where adb reads it. */
class SelfCheckActivity : Activity() {
    override fun onCreate(saved: Bundle?) {
        super.onCreate(saved)
        val view = TextView(this).apply { fitsSystemWindows = true }
        view.setText(R.string.preparing)
        setContentView(view)
        val shared = application as ShopApplication
        shared.worker.execute {
            val report = GoldenCheck.run(this)
            shared.main.execute { view.text = report }
        }
    }
}
