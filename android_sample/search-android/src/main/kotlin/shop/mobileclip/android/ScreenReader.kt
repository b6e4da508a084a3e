package shop.mobileclip.android

import android.os.Build
import android.view.View

/** What a screen reader says of a view with a value, whose description alone would hide the value. */
public object ScreenReader {
    /** [name]: what it is; [value]: what is chosen. */
    @JvmStatic
    public fun describe(view: View, name: String, value: String) {
        val states = Build.VERSION.SDK_INT >= Build.VERSION_CODES.R
        view.contentDescription = if (states) name else "$name: $value"
        if (states) view.stateDescription = value
    }
}
