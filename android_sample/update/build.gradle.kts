// Updates over the network, for an app that wants them: two permissions, no dependency but the search library. Neither the
// sample app nor search-android takes it. check/pom.xml compiles and tests it too.
import org.jetbrains.kotlin.gradle.dsl.KotlinVersion

plugins {
    alias(libs.plugins.android.library)
    `maven-publish`
}

android {
    namespace = "shop.mobileclip.update"
    compileSdk = 36

    defaultConfig {
        minSdk = 26 // as the search library
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
        artifactId = "mobileclip-update"
        afterEvaluate { from(components["release"]) }
    }
}

dependencies {
    api(project(":search"))
}
