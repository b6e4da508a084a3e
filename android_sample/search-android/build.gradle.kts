// The Android half of the search library: LiteRT, pictures, files, coroutines. check/pom.xml compiles and tests it too.
import org.jetbrains.kotlin.gradle.dsl.KotlinVersion

plugins {
    alias(libs.plugins.android.library)
    `maven-publish`
}

android {
    namespace = "shop.mobileclip.android"
    compileSdk = 36

    defaultConfig {
        minSdk = 28 // ImageDecoder: upright pictures in sRGB
        consumerProguardFiles("consumer-rules.pro")
        buildConfigField("String", "LITERT", "\"${libs.versions.litert.get()}\"") // which the self-check names
    }

    buildFeatures {
        buildConfig = true
    }

    compileOptions {
        sourceCompatibility = JavaVersion.VERSION_11
        targetCompatibility = JavaVersion.VERSION_11
    }

    publishing {
        singleVariant("release") {
            withSourcesJar()
            withJavadocJar()
        }
    }
}

kotlin {
    explicitApi()
    coreLibrariesVersion = libs.versions.kotlin.library.get()
    compilerOptions {
        allWarningsAsErrors = providers.gradleProperty("warningsAsErrors").map { it.toBoolean() }
        languageVersion = KotlinVersion.KOTLIN_2_0
        apiVersion = KotlinVersion.KOTLIN_2_0
        freeCompilerArgs.add("-Xsuppress-version-warnings")
    }
}

publishing {
    publications.register<MavenPublication>("library") {
        artifactId = "mobileclip-search-android"
        afterEvaluate { from(components["release"]) }
    }
}

dependencies {
    api(project(":search"))
    api(libs.coroutines)
    implementation(libs.litert)
}
