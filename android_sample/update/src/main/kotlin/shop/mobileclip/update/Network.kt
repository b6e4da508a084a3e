package shop.mobileclip.update

import android.content.Context
import android.net.ConnectivityManager

/** What an app asks before it updates, if its shoppers are to pay nothing: "Wi-Fi only". */
public object Network {
    /** Whether the network in use is paid for by what is sent over it, as mobile networks are; or whether there is none. */
    @JvmStatic
    public fun isMetered(context: Context): Boolean =
        context.getSystemService(ConnectivityManager::class.java).isActiveNetworkMetered
}
