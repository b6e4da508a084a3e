import MobileCLIPShop
import SwiftUI

/// A question and its answer: one above the other, or side by side where the window is wide or low. Comes back as it was
/// after its process has ended.
struct SearchScreen: View {
    private let title: Text
    @State private var model: SearchModel
    @SceneStorage private var saved: Data?
    @Environment(\.scenePhase) private var phase
    @Environment(\.horizontalSizeClass) private var width
    @Environment(\.verticalSizeClass) private var height

    /// `key`: under which the question is kept.
    init(title: Text, key: String, model: SearchModel) {
        self.title = title
        _model = State(initialValue: model)
        _saved = SceneStorage(key)
    }

    var body: some View {
        let isWide = width == .regular || height == .compact
        let layout =
            isWide ? AnyLayout(HStackLayout(alignment: .top, spacing: 0)) : AnyLayout(VStackLayout(spacing: 0))
        layout {
            QuestionView(model: model).frame(maxWidth: isWide ? 360 : nil)
            AnswerView(model: model)
        }
        .dropDestination(for: PictureFile.self) { files, _ in
            if let file = files.first { model.choose { _ in file.bytes } }
            return !files.isEmpty
        }
        .navigationTitle(title).navigationBarTitleDisplayMode(.inline)
        .onAppear { model.start(from: saved) }
        .onChange(of: phase) { saved = model.saved }
    }
}
