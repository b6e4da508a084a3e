package shop.mobileclip.search

import java.io.File

/** Artefacts of the demo model: the folder that DIST names, or this repository's dist/demo. */
internal object Dist {
    val folder = File(System.getenv("DIST") ?: "../../dist/demo")

    /** One that is missing fails the test: nothing can be said of the tokenizer without its asset. */
    fun file(name: String): File = File(folder, name).also {
        check(it.isFile) {
            "no ${it.absolutePath}: run `make export` in the repository, or set DIST to a folder like dist/demo"
        }
    }

    val manifest: ModelManifest by lazy { ModelManifest.load(file("manifest.json")) }

    val tokenizer: TextTokenizer by lazy { Tokenizers.load(file(manifest.tokenizer.path), manifest.tokenizer.sha256) }
}
