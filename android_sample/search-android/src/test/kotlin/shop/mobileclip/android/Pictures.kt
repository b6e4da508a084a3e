package shop.mobileclip.android

import java.io.ByteArrayOutputStream
import java.io.DataOutputStream
import java.util.zip.CRC32
import java.util.zip.Deflater
import java.util.zip.DeflaterOutputStream

/** PNG files written row by row, of any size: [row] gives a row's RGB8. [exif]: an orientation of 1 to 8. */
fun png(width: Int, height: Int, exif: Int? = null, row: (Int) -> ByteArray): ByteArray {
    val file = ByteArrayOutputStream()
    val out = DataOutputStream(file)
    out.writeLong(-0x76afb1b8f2f5e5f6L)
    out.chunk("IHDR") {
        writeInt(width)
        writeInt(height)
        write(byteArrayOf(8, 2, 0, 0, 0))
    }
    exif?.let { orientation -> out.chunk("eXIf") { write(tiff(orientation)) } }
    out.chunk("IDAT") {
        val rows = DeflaterOutputStream(this, Deflater(Deflater.BEST_SPEED))
        for (y in 0 until height) {
            rows.write(0) // no filter
            rows.write(row(y))
        }
        rows.finish()
    }
    out.chunk("IEND") {}
    return file.toByteArray()
}

/** A TIFF header and a directory of one entry. */
private fun tiff(orientation: Int): ByteArray {
    val out = ByteArrayOutputStream()
    DataOutputStream(out).apply {
        writeBytes("MM")
        writeShort(42)
        writeInt(8)
        writeShort(1)
        for (number in listOf(0x0112, 3, 0, 1, orientation, 0)) writeShort(number)
        writeInt(0)
    }
    return out.toByteArray()
}

private fun DataOutputStream.chunk(type: String, content: DataOutputStream.() -> Unit) {
    val bytes = ByteArrayOutputStream().also {
        DataOutputStream(it).apply { writeBytes(type) }.apply(content)
    }.toByteArray()
    writeInt(bytes.size - 4)
    write(bytes)
    writeInt(CRC32().apply { update(bytes) }.value.toInt())
}
