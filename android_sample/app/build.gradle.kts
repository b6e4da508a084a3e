// The app. It needs nothing but LiteRT and the search module; `make apps` fills src/main/assets.
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

    // The golden embeddings, which the self-check and the instrumented test hold LiteRT to on a device.
    sourceSets {
        getByName("debug").assets.directories.add("../../parity/goldens")
    }

    compileOptions {
        sourceCompatibility = JavaVersion.VERSION_11
        targetCompatibility = JavaVersion.VERSION_11
    }
}

kotlin {
    compilerOptions {
        allWarningsAsErrors = true
    }
}

dependencies {
    implementation(project(":search"))
    implementation(libs.litert)
}
