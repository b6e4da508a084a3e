import MobileCLIPKit
import MobileCLIPShop
import SwiftUI

/// Checks encoders on each of this device's processors against golden embeddings, which lie in ``proofFolder``, and writes
/// `proof.json` beside them. Hidden: `shopsearch://self-check` opens it.
struct SelfCheckScreen: View {
    @State private var report: URL?
    @State private var text = ""
    @Environment(ShopKeeper.self) private var keeper

    var body: some View {
        ScrollView {
            Text(verbatim: text).font(.caption.monospaced()).textSelection(.enabled).padding()
            if let report { ShareLink(item: report) } else { ProgressView() }
        }
        .navigationTitle("Self-check").navigationBarTitleDisplayMode(.inline)
        .task { await run() }
    }

    private func run() async {
        let (system, version) = (UIDevice.current.systemName, UIDevice.current.systemVersion)
        switch await keeper.result({ try await selfCheck($0, system: system, version: version).json() }) {
        case .success(let json):
            (report, text) = (proofFolder.appending(path: Proof.name), String(decoding: json, as: UTF8.self))
        case .failure(let problem): text = "\(problem)"
        }
    }
}
