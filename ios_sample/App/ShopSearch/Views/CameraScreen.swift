import MobileCLIPKit
import MobileCLIPShop
import SwiftUI

/// What the camera sees, what the shop has like it, and the way to take the picture.
struct CameraScreen: View {
    @State var live: SearchModel
    let taken: (Data) -> Void
    /// Asks for a picture instead.
    let choose: () -> Void
    @State private var camera = LiveCamera()
    @State private var problem: ShopProblem?
    @Environment(\.dismiss) private var dismiss
    @Environment(\.openURL) private var openURL

    var body: some View {
        VStack(spacing: 0) {
            HStack {
                IconButton(title: "Close", symbol: "xmark") { dismiss() }.keyboardShortcut(.cancelAction)
                Text("Point the camera at something.").frame(maxWidth: .infinity, alignment: .leading)
            }
            if let problem {
                FailureView(problem: problem) { Task { await run() } }
                Button("Choose a picture to search with") {
                    choose()
                    dismiss()
                }
                if problem == .camera, let settings = URL(string: UIApplication.openSettingsURLString) {
                    Button("Settings") { openURL(settings) }.padding()
                }
            } else {
                LiveCameraPreview(camera: camera)
                LiveResults(state: live.state)
                Button("Search with this picture") { camera.take() }.buttonStyle(.borderedProminent).padding()
            }
        }
        .task { await run() }
    }

    private func run() async {
        guard await LiveCamera.isAllowed() else { return problem = .camera }
        guard let shots = await camera.start() else { return problem = .noCamera }
        problem = nil
        live.prepare(.image)
        await withTaskGroup(of: Void.self) { group in
            group.addTask { for await frame in shots.frames { await live.look(at: frame) } }
            for await file in shots.pictures {
                taken(file)
                break
            }
            group.cancelAll()
        }
        camera.stop()
        dismiss()
    }
}

/// The best of what the last frame found.
struct LiveResults: View {
    let state: SearchState

    var body: some View {
        ScrollView(.horizontal) {
            HStack(alignment: .top) {
                if case .found(let certain, let doubtful, _) = state {
                    ForEach((certain + doubtful).prefix(6)) { card in
                        VStack {
                            Thumbnail(card: card).frame(width: 72, height: 72)
                            Text(verbatim: card.name).font(.caption).lineLimit(1)
                        }
                        .frame(width: 96).accessibilityElement(children: .combine)
                    }
                }
            }
            .padding(.horizontal)
        }
        .frame(minHeight: 104)
    }
}
