package shop.mobileclip.search

/** The values used last, [most] of them. For any thread. */
internal class Recent<K, V>(private val most: Int) {
    private val kept = object : LinkedHashMap<K, V>(16, 0.75f, true) {
        override fun removeEldestEntry(eldest: Map.Entry<K, V>): Boolean = size > most
    }

    operator fun get(key: K): V? = synchronized(kept) { kept[key] }

    operator fun set(key: K, value: V): Unit = synchronized(kept) { kept[key] = value }
}
