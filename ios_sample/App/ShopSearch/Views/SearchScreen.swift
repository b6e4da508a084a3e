import SwiftUI

/// A question and its answer.
struct SearchScreen: View {
    private let title: Text
    @State private var model: SearchModel

    init(title: Text, model: SearchModel) {
        self.title = title
        _model = State(initialValue: model)
    }

    var body: some View {
        VStack(spacing: 0) {
            QuestionView(model: model)
            AnswerView(state: model.state) { model.ask() }
        }
        .navigationTitle(title)
        .navigationBarTitleDisplayMode(.inline)
        .onAppear { model.start() }
    }
}
