package shop.mobileclip.search.tools

import java.io.File
import shop.mobileclip.search.ClipTokenizer
import shop.mobileclip.search.Json
import shop.mobileclip.search.asText

/** `Tokens <tokenizer.safetensors> <texts: a JSON text a line> <out>`: a line of ids, a JSON list, for each text. */
object Tokens {
    @JvmStatic
    fun main(arguments: Array<String>) {
        val (asset, texts, out) = arguments
        val tokenizer = ClipTokenizer.load(File(asset))
        File(out).bufferedWriter().use { writer ->
            File(texts).forEachLine { line ->
                val ids = tokenizer.encode(Json.parse(line, once = true).asText("a line"))
                writer.write(ids.joinToString(",", "[", "]\n"))
            }
        }
    }
}
