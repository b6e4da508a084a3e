// Named once here, so that both modules load the same plugins. The Android plugin brings Kotlin for the app itself.
plugins {
    alias(libs.plugins.android.application) apply false
    alias(libs.plugins.kotlin.jvm) apply false
}
