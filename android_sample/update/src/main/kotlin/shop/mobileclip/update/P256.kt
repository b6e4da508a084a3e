package shop.mobileclip.update

import shop.mobileclip.search.SignatureCheck
import java.math.BigInteger
import java.security.GeneralSecurityException
import java.security.KeyFactory
import java.security.Signature
import java.security.spec.X509EncodedKeySpec

/** ECDSA over P-256 with SHA-256, by what every Android and every JVM has. */
public object P256 : SignatureCheck {
    private const val NUMBER = 32 // bytes of r, and of s
    private const val INTEGER = 2
    private const val SEQUENCE = 0x30
    private val ORDER = BigInteger("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551", 16)

    /** Of every SubjectPublicKeyInfo of P-256, what stands before the point; 4: both of its coordinates. */
    private val KEY = BigInteger("3059301306072a8648ce3d020106082a8648ce3d03010703420004", 16).toByteArray()
    private const val POINT = 64

    override fun isValid(publicKey: ByteArray, message: ByteArray, signature: ByteArray): Boolean {
        if (publicKey.size != KEY.size + POINT || !publicKey.copyOf(KEY.size).contentEquals(KEY)) return false
        val der = der(signature) ?: return false
        return try {
            val key = KeyFactory.getInstance("EC").generatePublic(X509EncodedKeySpec(publicKey))
            Signature.getInstance("SHA256withECDSA").run {
                initVerify(key)
                update(message)
                verify(der)
            }
        } catch (error: GeneralSecurityException) {
            false
        }
    }

    /**
     * r and s as Java takes them: a SEQUENCE of two INTEGERs. Null for numbers that no signature has, of which some
     * versions of Java took two zeros for a signature of anything (CVE-2022-21449).
     */
    private fun der(signature: ByteArray): ByteArray? {
        if (signature.size != 2 * NUMBER) return null
        val numbers = listOf(0, NUMBER).map { BigInteger(1, signature.copyOfRange(it, it + NUMBER)) }
        if (numbers.any { it.signum() == 0 || it >= ORDER }) return null
        val content = numbers.map { it.toByteArray() }
            .fold(ByteArray(0)) { made, bytes -> made + INTEGER.toByte() + bytes.size.toByte() + bytes }
        return byteArrayOf(SEQUENCE.toByte(), content.size.toByte()) + content
    }
}
