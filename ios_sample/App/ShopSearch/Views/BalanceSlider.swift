import MobileCLIPShop
import SwiftUI

/// From the text alone to the picture alone; asks when it is let go, or moved by VoiceOver.
struct BalanceSlider: View {
    @Bindable var model: SearchModel
    @State private var isHeld = false

    var body: some View {
        Slider(value: $model.question.slider, in: 0...1, step: 0.05) {
            Text("Balance between words and picture")
        } minimumValueLabel: {
            Text("Words")
        } maximumValueLabel: {
            Text("Picture")
        } onEditingChanged: { isHeld in
            self.isHeld = isHeld
            if !isHeld { model.ask() }
        }
        .accessibilityValue("\(share) picture")
        .onChange(of: model.question.slider) {
            if !isHeld { model.ask() }
        }
    }

    private var share: String { model.question.slider.formatted(.percent.precision(.fractionLength(0))) }
}
