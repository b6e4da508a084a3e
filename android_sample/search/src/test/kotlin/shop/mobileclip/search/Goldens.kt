package shop.mobileclip.search

import java.io.File
import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.util.Base64

/** What Python's references made, in a folder. A file that is missing fails the test. */
internal open class Vectors(private val folder: File) {
    fun file(name: String): File =
        File(folder, name).also { check(it.isFile) { "no such vectors: ${it.absolutePath}" } }

    fun json(name: String): Map<String, Json> = Json.parse(file(name).readText(), once = true).asObject(name)
}

/** The golden vectors: the folder that GOLDENS names, or this repository's. */
internal object Goldens : Vectors(File(System.getenv("GOLDENS") ?: "../../parity/goldens"))

internal fun Map<String, Json>.list(name: String): List<Json> = part(name).asArray(name)

internal fun Map<String, Json>.objects(name: String): List<Map<String, Json>> = list(name).map { it.asObject(name) }

internal fun Map<String, Json>.text(name: String): String = part(name).asText(name)

internal fun Map<String, Json>.int(name: String): Int = part(name).asLong(name).toInt()

internal fun Map<String, Json>.double(name: String): Double = part(name).asDouble(name)

internal fun Map<String, Json>.doubleOrNull(name: String): Double? =
    part(name).takeIf { it != Json.Null }?.asDouble(name)

/** float32, little-endian, base64. */
internal fun vector(packed: String): FloatArray {
    val floats = ByteBuffer.wrap(Base64.getDecoder().decode(packed)).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer()
    return FloatArray(floats.capacity()) { floats.get(it) }
}
