import CoreML
import Foundation
import MobileCLIPKit
import MobileCLIPSearch
import MobileCLIPShop
import os

extension ShopKeeper {
    /// The shop over what `make apps` put into the app.
    static let shared = {
        let keeper = ShopKeeper(open: openShop)
        let log = Logger(subsystem: "com.example.ShopSearch", category: "events")
        keeper.onEvent = { log.debug("\(String(describing: $0))") }  // your own statistics go here
        return keeper
    }()
}

/// Its encoders run under Core ML; see ``ShopKeeper/Opener``.
@Sendable nonisolated func openShop(tell: @escaping @Sendable (ShopKeeper.News) -> Void) throws -> Shop {
    try Shop(
        Bundle.main.bundleURL, own: .applicationSupportDirectory,
        pictures: .cachesDirectory.appending(path: "pictures"),
        decode: { try RGBImage(decoding: $0, for: $1, region: $2) }, onSearched: { tell(.searched($0)) },
        encoder: { coreML($0, computeUnits) { tell(.preparing($0)) } })
}

nonisolated func coreML(
    _ manifest: ModelManifest, _ units: MLComputeUnits,
    tell: @escaping @Sendable (_ isPreparing: Bool) -> Void = { _ in }
) -> CoreMLEncoder {
    let folder = Bundle.main.bundleURL
    return CoreMLEncoder(
        manifest, image: folder.appending(path: "image.mlmodelc"), text: folder.appending(path: "text.mlmodelc"),
        computeUnits: units, onChange: { _, state in tell(state == .preparing) })
}

/// Not the GPU, which is refused in the background. A simulator has no Neural Engine.
private nonisolated var computeUnits: MLComputeUnits { isSimulator ? .cpuOnly : .cpuAndNeuralEngine }

/// Core ML's own names of processors; in a simulator, whose GPU is not to be trusted with float16, the CPU alone.
nonisolated let namedUnits: [(name: String, units: MLComputeUnits)] = {
    #if targetEnvironment(simulator)
        [("cpuOnly", .cpuOnly)]
    #else
        [("cpuOnly", .cpuOnly), ("cpuAndGPU", .cpuAndGPU), ("cpuAndNeuralEngine", .cpuAndNeuralEngine), ("all", .all)]
    #endif
}()

/// Where `make prove` has its folder put: golden inputs, and the encoders that the app holds compiled.
nonisolated var proofFolder: URL { .documentsDirectory.appending(path: "proof") }

/// The proof of each kind of processors; it lies in ``proofFolder`` too. `system`, `version`: "iOS", "26.1", say.
nonisolated func selfCheck(_ shop: Shop, system: String, version: String) async throws -> Proof {
    let device = Proof.Device(name: machine, system: "\(system) \(version)", isEmulated: isSimulator)
    return try await Proof.write(
        in: proofFolder, by: device, shop.manifest, shop.tokenizer, units: namedUnits.map(\.name),
        compile: { try await compiledPackage($0) }
    ) { [manifest = shop.manifest] name, image, text in
        let units = namedUnits.first { $0.name == name }?.units ?? .cpuOnly
        return CoreMLEncoder(manifest, image: image, text: text, computeUnits: units)
    }
}

private nonisolated var isSimulator: Bool {
    #if targetEnvironment(simulator)
        true
    #else
        false
    #endif
}

/// "iPhone17,1", say.
private nonisolated var machine: String {
    if let simulated = ProcessInfo.processInfo.environment["SIMULATOR_MODEL_IDENTIFIER"] { return simulated }
    var system = utsname()
    uname(&system)
    return withUnsafeBytes(of: &system.machine) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
}
