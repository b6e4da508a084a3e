package shop.mobileclip.search

import java.nio.ByteBuffer
import java.nio.charset.CharacterCodingException

/** A JSON value. Numbers stay as they are written, so that a price loses no digit. */
internal sealed interface Json {
    data class Object(val members: Map<String, Json>, override val written: String = "") : Nested
    data class Array(val items: List<Json>, override val written: String = "") : Nested
    data class Text(val value: String) : Json
    data class Number(val written: String) : Json
    data class Bool(val value: Boolean) : Json
    object Null : Json

    /** What holds others. [written]: its text, where the parser was asked for it. */
    sealed interface Nested : Json {
        val written: String
    }

    companion object {
        /**
         * Parses UTF-8. [once]: refuse an object with a name twice; else the last counts. [written]: keep the text of what
         * stands that deep, 1 for the outermost's own members. Throws [Malformed].
         */
        fun parse(utf8: ByteBuffer, once: Boolean, written: IntRange = IntRange.EMPTY): Json {
            val text = try {
                Charsets.UTF_8.newDecoder().decode(utf8).toString() // a new decoder reports what is malformed
            } catch (error: CharacterCodingException) {
                throw Malformed("it is not UTF-8")
            }
            return parse(text, once, written)
        }

        /** Parses a text. */
        fun parse(text: String, once: Boolean, written: IntRange = IntRange.EMPTY): Json =
            JsonParser(text, once, written).whole()
    }
}

/** Content that is not what its format says; the reader of a file makes a [BadFileException] of it. */
internal class Malformed(message: String, val kind: ErrorKind = ErrorKind.DAMAGED) : Exception(message)

internal fun malformed(message: String): Nothing = throw Malformed(message)

/** Fails with [Malformed] unless [condition] holds. */
internal inline fun wellFormed(condition: Boolean, kind: ErrorKind = ErrorKind.DAMAGED, message: () -> String) {
    if (!condition) throw Malformed(message(), kind)
}

/** Runs [read]; whatever is malformed in there becomes a [BadFileException] that names [where]. */
internal inline fun <T> reading(where: String, read: () -> T): T = try {
    read()
} catch (error: Malformed) {
    throw BadFileException("$where: ${error.message}", kind = error.kind)
}

internal fun Json.asObject(what: String): Map<String, Json> =
    (this as? Json.Object)?.members ?: malformed("$what is no JSON object")

internal fun Json.asArray(what: String): List<Json> = (this as? Json.Array)?.items ?: malformed("$what is no JSON list")

internal fun Json.asText(what: String): String = (this as? Json.Text)?.value ?: malformed("$what is no text")

internal fun Json.asBool(what: String): Boolean =
    (this as? Json.Bool)?.value ?: malformed("$what is neither true nor false")

/** A whole number, written without a fraction or an exponent. */
internal fun Json.asLong(what: String): Long =
    (this as? Json.Number)?.written?.toLongOrNull() ?: malformed("$what is no whole number")

/** A finite number. */
internal fun Json.asDouble(what: String): Double =
    (this as? Json.Number)?.written?.toDouble()?.takeIf { it - it == 0.0 } ?: malformed("$what is no finite number")

internal fun Map<String, Json>.part(name: String): Json = this[name] ?: malformed("it has no ${shown(name)}")

/** A text from a file, fit for one line of an error: short, without control characters. */
internal fun shown(text: String): String =
    "'" + text.take(60).map { if (it < ' ' || it in '\u007f'..'\u009f') '?' else it }.joinToString("") + "'"

/** RFC 8259, strictly. */
private class JsonParser(private val text: String, private val once: Boolean, private val written: IntRange) {
    private var at = 0

    fun whole(): Json {
        val found = value(0)
        space()
        if (at < text.length) wrong()
        return found
    }

    private fun value(depth: Int): Json {
        wellFormed(depth < DEEPEST) { "JSON nested more than $DEEPEST deep" }
        space()
        return when (val next = peek()) {
            '{' -> members(depth)
            '[' -> items(depth)
            '"' -> Json.Text(string())
            't' -> literal("true", Json.Bool(true))
            'f' -> literal("false", Json.Bool(false))
            'n' -> literal("null", Json.Null)
            else -> if (next == '-' || next in '0'..'9') number() else wrong()
        }
    }

    private fun members(depth: Int): Json {
        val start = at
        val found = LinkedHashMap<String, Json>()
        list('}') {
            if (peek() != '"') wrong()
            val name = string()
            space()
            take(':')
            val old = found.put(name, value(depth + 1))
            wellFormed(!once || old == null) { "the name ${shown(name)} stands twice in an object" }
        }
        return Json.Object(found, written(depth, start))
    }

    private fun items(depth: Int): Json {
        val start = at
        val found = ArrayList<Json>()
        list(']') { found += value(depth + 1) }
        return Json.Array(found, written(depth, start))
    }

    private fun written(depth: Int, start: Int): String = if (depth in written) text.substring(start, at) else ""

    /** What stands between brackets, separated by commas. */
    private inline fun list(end: Char, item: () -> Unit) {
        at++
        space()
        if (peek() == end) {
            at++
            return
        }
        while (true) {
            space()
            item()
            space()
            if (peek() == end) break
            take(',')
        }
        at++
    }

    private fun string(): String {
        val found = StringBuilder()
        at++
        while (true) {
            val next = peek()
            if (next < ' ') wrong()
            at++
            when (next) {
                '"' -> return found.toString()
                '\\' -> found.append(escaped())
                else -> found.append(next)
            }
        }
    }

    private fun escaped(): Char {
        val next = peek()
        val found = when (next) {
            '"', '\\', '/' -> next
            'b' -> '\b'
            'f' -> '\u000c'
            'n' -> '\n'
            'r' -> '\r'
            't' -> '\t'
            'u' -> unit()
            else -> wrong()
        }
        at++
        return found
    }

    private fun unit(): Char {
        var unit = 0
        repeat(4) {
            at++
            val digit = when (val next = peek()) {
                in '0'..'9' -> next - '0'
                in 'a'..'f' -> next - 'a' + 10
                in 'A'..'F' -> next - 'A' + 10
                else -> wrong()
            }
            unit = unit * 16 + digit
        }
        return unit.toChar()
    }

    private fun number(): Json {
        val start = at
        if (peek() == '-') at++
        if (peek() == '0') at++ else digits()
        if (at < text.length && text[at] == '.') {
            at++
            digits()
        }
        if (at < text.length && (text[at] == 'e' || text[at] == 'E')) {
            at++
            if (peek() == '+' || peek() == '-') at++
            digits()
        }
        return Json.Number(text.substring(start, at))
    }

    private fun digits() {
        if (peek() !in '0'..'9') wrong()
        while (at < text.length && text[at] in '0'..'9') at++
    }

    private fun literal(word: String, meaning: Json): Json {
        if (!text.startsWith(word, at)) wrong()
        at += word.length
        return meaning
    }

    private fun take(wanted: Char) {
        if (peek() != wanted) wrong()
        at++
    }

    private fun space() {
        while (at < text.length && text[at] in " \t\n\r") at++
    }

    private fun peek(): Char = if (at < text.length) text[at] else malformed("JSON that ends too early")

    private fun wrong(): Nothing =
        malformed("no JSON at character $at: ${shown(text.substring(at, minOf(at + 12, text.length)))}")

    private companion object {
        const val DEEPEST = 100 // the parser calls itself: a bound for its stack, the same in Swift
    }
}
