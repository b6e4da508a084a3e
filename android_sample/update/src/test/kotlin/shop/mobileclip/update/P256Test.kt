package shop.mobileclip.update

import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertTrue
import org.junit.Test
import java.io.File
import java.security.KeyPairGenerator
import java.security.Signature
import java.security.spec.ECGenParameterSpec
import java.util.Base64

class P256Test {
    private val pair = KeyPairGenerator.getInstance("EC").run {
        initialize(ECGenParameterSpec("secp256r1"))
        generateKeyPair()
    }
    private val key = pair.public.encoded

    /** r, then s. */
    private fun signed(message: ByteArray): ByteArray = Signature.getInstance("SHA256withECDSAinP1363Format").run {
        initSign(pair.private)
        update(message)
        sign()
    }

    @Test
    fun `what the owner signed is valid, and nothing else`() {
        val chance = java.util.Random(3)
        repeat(300) { turn ->
            val message = ByteArray(turn).also(chance::nextBytes)
            val signature = signed(message)
            assertTrue(P256.isValid(key, message, signature))
            val bit = 1 shl chance.nextInt(8)
            fun flipped(bytes: ByteArray) =
                bytes.copyOf().also { chance.nextInt(it.size).let { at -> it[at] = (it[at].toInt() xor bit).toByte() } }
            assertFalse(P256.isValid(key, message, flipped(signature)))
            assertFalse(P256.isValid(key, message + 1, signature))
            assertFalse(P256.isValid(flipped(key), message, signature))
        }
    }

    @Test
    fun `numbers that no signature has, and keys of another kind, are not valid`() {
        val message = ByteArray(9)
        val good = signed(message)
        val order = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551".chunked(2) {
            "$it".toInt(16).toByte()
        }
        val (r, s) = good.copyOf(32) to good.copyOfRange(32, 64)
        for (signature in listOf(
            ByteArray(64), r + ByteArray(32), ByteArray(32) + s, order.toByteArray() + s, r + order.toByteArray(),
            ByteArray(64) { -1 }, r, ByteArray(0), good + 0,
        )) {
            assertFalse(P256.isValid(key, message, signature))
        }
        val other = KeyPairGenerator.getInstance("EC").run {
            initialize(ECGenParameterSpec("secp384r1"))
            generateKeyPair().public.encoded
        }
        for (wrong in listOf(other, key.copyOf(90), key + 0, ByteArray(91), ByteArray(0))) {
            assertFalse(P256.isValid(wrong, message, good))
        }
    }

    @Test
    fun `the golden signatures are valid`() {
        val folder = File(System.getenv("GOLDENS"), "updates")
        val (now, next) = File(folder, "key.txt").readLines().filter {
            it.isNotEmpty()
        }.map(Base64.getDecoder()::decode)
        fun isValid(key: ByteArray, name: String) = File(folder, name).readBytes().let {
            P256.isValid(key, it.copyOfRange(64, it.size), it.copyOf(64))
        }
        assertTrue(isValid(now, "shop.update") && isValid(next, "statements/second-key.update"))
        assertFalse(isValid(next, "shop.update"))
        val not = setOf("foreign-key", "second-key", "signature-r-beyond-the-order", "signature-zeros")
        val files = File(folder, "statements").listFiles().orEmpty()
        for (file in files) assertEquals(file.nameWithoutExtension !in not, isValid(now, "statements/${file.name}"))
        assertTrue(files.size > 10)
    }
}
