package shop.mobileclip.search.tools

import java.io.DataInputStream
import java.io.File
import shop.mobileclip.search.ImagePreprocessor
import shop.mobileclip.search.Interpolation

/**
 * `Pixels <list> <in> <out> [times]`: squares of pictures, and the median milliseconds of one.
 *
 * list: a line `width height size bilinear|bicubic` for each; in: their RGB bytes, one after the other; out: the squares'.
 */
object Pixels {
    @JvmStatic
    fun main(arguments: Array<String>) {
        val times = arguments.getOrNull(3)?.toInt() ?: 1
        DataInputStream(File(arguments[1]).inputStream().buffered()).use { source ->
            File(arguments[2]).outputStream().buffered().use { out ->
                File(arguments[0]).forEachLine { line ->
                    val (width, height, size, interpolation) = line.split(" ")
                    val rgb = ByteArray(3 * width.toInt() * height.toInt()).also { source.readFully(it) }
                    val preprocessor = ImagePreprocessor(size.toInt(), Interpolation.valueOf(interpolation.uppercase()))
                    val taken = List(times) {
                        val start = System.nanoTime()
                        val square = preprocessor.square(rgb, width.toInt(), height.toInt())
                        val end = System.nanoTime()
                        if (it == 0) out.write(square)
                        (end - start) / 1e6
                    }
                    if (times > 1) println("$line: median %.2f ms, least %.2f ms".format(taken.sorted()[times / 2], taken.min()))
                }
            }
        }
    }
}
