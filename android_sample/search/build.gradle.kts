// The search module for Android Studio; pom.xml builds the same sources without Gradle.
import org.jetbrains.kotlin.gradle.dsl.JvmTarget
import org.jetbrains.kotlin.gradle.tasks.KotlinCompile

plugins {
    alias(libs.plugins.kotlin.jvm)
}

kotlin {
    explicitApi()
    compilerOptions {
        allWarningsAsErrors = true
    }
}

// Java 8's library is what Android 8 (API 26) has: a newer call does not compile.
tasks.named<KotlinCompile>("compileKotlin") {
    compilerOptions {
        jvmTarget = JvmTarget.JVM_1_8
        freeCompilerArgs.add("-Xjdk-release=1.8")
    }
}

tasks.named<KotlinCompile>("compileTestKotlin") {
    compilerOptions.jvmTarget = JvmTarget.JVM_17
}

// There are no Java sources; Gradle still compares the targets, and Android reads the module's from here.
tasks.named<JavaCompile>("compileJava") {
    options.release = 8
}

tasks.named<JavaCompile>("compileTestJava") {
    options.release = 17
}

tasks.test {
    useJUnitPlatform()
    // onnxruntime would report each session to its makers.
    environment("ORT_DISABLE_TELEMETRY", "1")
    for (name in listOf("GOLDENS", "DIST", "EXPECTED", "FAULTS")) {
        inputs.property(name, providers.environmentVariable(name).orElse(""))
    }
}

dependencies {
    testImplementation(libs.junit)
    testImplementation(libs.onnxruntime)
    testRuntimeOnly(libs.junit.launcher)
}
