// Named once here, so that all modules load the same plugins. The Android plugin brings Kotlin for its modules itself.
plugins {
    alias(libs.plugins.android.application) apply false
    alias(libs.plugins.android.library) apply false
    alias(libs.plugins.kotlin.jvm) apply false
}

// What both libraries' poms say; gradle.properties names the coordinates. `gradlew publish` writes a repository into
// build/repository, to be signed and uploaded by the owner of the group.
subprojects {
    group = providers.gradleProperty("library.group").get()
    version = providers.gradleProperty("library.version").get()

    plugins.withId("maven-publish") {
        extensions.configure<PublishingExtension> {
            repositories {
                maven {
                    name = "folder"
                    url = uri(rootProject.layout.buildDirectory.dir("repository"))
                }
            }
            publications.withType<MavenPublication>().configureEach {
                val address = providers.gradleProperty("library.url")
                pom {
                    name = "MobileCLIP in a shop: $artifactId"
                    description = "Offline search for a shop's app, by text and by picture, on the device."
                    url = address
                    licenses {
                        license {
                            name = "MIT"
                            url = "https://opensource.org/license/mit"
                        }
                    }
                    developers {
                        developer {
                            id = providers.gradleProperty("library.developer")
                            name = providers.gradleProperty("library.developer")
                        }
                    }
                    scm {
                        url = address
                        connection = address.map { "scm:git:$it.git" }
                    }
                }
            }
        }
    }
}
