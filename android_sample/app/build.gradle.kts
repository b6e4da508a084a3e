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
    }

    androidResources {
        noCompress += listOf("tflite", "catalog", "safetensors") // mapped from the APK
    }

    buildTypes {
        release {
            isMinifyEnabled = true
            isShrinkResources = true
            proguardFiles(getDefaultProguardFile("proguard-android-optimize.txt"))
        }
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
