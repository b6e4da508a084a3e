// The search library for Gradle; pom.xml builds the same sources without it.
import org.jetbrains.kotlin.gradle.dsl.JvmDefaultMode
import org.jetbrains.kotlin.gradle.dsl.JvmTarget
import org.jetbrains.kotlin.gradle.dsl.KotlinVersion
import org.jetbrains.kotlin.gradle.tasks.KotlinCompile

plugins {
    alias(libs.plugins.kotlin.jvm)
    `maven-publish`
}

kotlin {
    explicitApi()
    coreLibrariesVersion = libs.versions.kotlin.library.get()
    compilerOptions {
        allWarningsAsErrors = providers.gradleProperty("warningsAsErrors").map { it.toBoolean() }
    }
}

// Java 8's library is what Android 8 (API 26) has: a newer call does not compile. Apps with Kotlin 2.0 can read the classes.
tasks.named<KotlinCompile>("compileKotlin") {
    compilerOptions {
        jvmTarget = JvmTarget.JVM_1_8
        languageVersion = KotlinVersion.KOTLIN_2_0
        apiVersion = KotlinVersion.KOTLIN_2_0
        jvmDefault = JvmDefaultMode.ENABLE
        freeCompilerArgs.addAll("-Xjdk-release=1.8", "-Xsuppress-version-warnings")
    }
}

tasks.named<KotlinCompile>("compileTestKotlin") {
    compilerOptions.jvmTarget = JvmTarget.JVM_17
}

// There are no Java sources but a test's; Gradle still compares the targets, and Android reads the module's from here.
tasks.named<JavaCompile>("compileJava") {
    options.release = 8
}

tasks.named<JavaCompile>("compileTestJava") {
    options.release = 17
}

java {
    withSourcesJar()
    withJavadocJar() // Maven Central wants one. This one is empty; `mvn -P publish package` makes it of the KDoc
}

publishing {
    publications.create<MavenPublication>("library") {
        artifactId = "mobileclip-search"
        from(components["java"])
    }
}

tasks.test {
    useJUnitPlatform()
    // onnxruntime would report each session to its makers.
    environment("ORT_DISABLE_TELEMETRY", "1")
    for (name in listOf("GOLDENS", "DIST", "EXPECTED", "FAULTS", "SWAPS")) {
        inputs.property(name, providers.environmentVariable(name).orElse(""))
    }
}

dependencies {
    testImplementation(libs.junit)
    testImplementation(libs.onnxruntime)
    testRuntimeOnly(libs.junit.launcher)
}
