package shop.mobileclip.search

import java.util.PriorityQueue

private const val GONE = -1

/** Which token two neighbours make. */
internal fun interface Joint {
    /** The token; negative for none. [left] and [right]: their places; [end]: the place after them. */
    fun of(left: Int, right: Int, end: Int): Int
}

/**
 * Byte pair encoding: while any two neighbours make a token, those that make the one with the lowest id are joined, the
 * leftmost first. [tokens] are changed: [joint] sees there what was joined, and a negative number where nothing is left.
 */
internal fun joinedPairs(tokens: IntArray, joint: Joint): IntArray {
    val end = tokens.size
    val before = IntArray(end) { it - 1 } // neighbours still standing
    val after = IntArray(end) { it + 1 }
    val queue = PriorityQueue<Long>() // the token that two make, then the place of the left one
    fun made(left: Int): Int {
        if (left < 0 || tokens[left] == GONE || after[left] == end) return GONE
        return joint.of(left, after[left], after[after[left]])
    }
    fun ask(left: Int) {
        val token = made(left)
        if (token >= 0) queue += token.toLong() shl 32 or left.toLong()
    }
    for (left in 0 until end) ask(left)
    while (true) {
        val next = queue.poll() ?: break
        val left = next.toInt()
        val token = (next ushr 32).toInt()
        if (made(left) != token) continue // an earlier join changed this pair
        val right = after[left]
        tokens[left] = token
        tokens[right] = GONE
        after[left] = after[right]
        if (after[left] < end) before[after[left]] = left
        ask(left)
        ask(before[left])
    }
    return tokens.filter { it != GONE }.toIntArray()
}
