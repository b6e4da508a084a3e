// The app. It needs nothing but search-android; `make apps` fills src/main/assets.
plugins {
    alias(libs.plugins.android.application)
}

android {
    namespace = "shop.mobileclip.app"
    compileSdk = 36

    defaultConfig {
        applicationId = "shop.mobileclip.app"
        minSdk = 28 // ImageDecoder: upright pictures in sRGB
        targetSdk = 36
        versionCode = 1
        versionName = "1.0"
        testInstrumentationRunner = "androidx.test.runner.AndroidJUnitRunner"
    }

    androidResources {
        noCompress += listOf("tflite", "catalog", "safetensors") // mapped from the APK
    }

    buildTypes {
        release {
            isMinifyEnabled = true
            isShrinkResources = true
            proguardFiles(getDefaultProguardFile("proguard-android-optimize.txt"), "proguard-rules.pro")
        }
    }

    sourceSets {
        getByName("debug") {
            assets.directories.add("../../parity/goldens") // for the self-check: 3 MB that a release leaves out
        }
    }

    compileOptions {
        sourceCompatibility = JavaVersion.VERSION_11
        targetCompatibility = JavaVersion.VERSION_11
    }
}

kotlin {
    compilerOptions {
        allWarningsAsErrors = providers.gradleProperty("warningsAsErrors").map { it.toBoolean() }
    }
}

// Without it the build would pass, and the app open with an error.
val modelIsThere by tasks.registering {
    val manifest = file("src/main/assets/manifest.json")
    doLast {
        if (!manifest.isFile) {
            throw GradleException("no model in $manifest: run `make export catalog apps` in the repository's root")
        }
    }
}

tasks.named("preBuild") {
    dependsOn(modelIsThere)
}

dependencies {
    implementation(project(":search-android"))
    androidTestImplementation("junit:junit:4.13.2")
    androidTestImplementation("androidx.test:runner:1.7.0")
}
