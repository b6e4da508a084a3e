import Foundation
import MobileCLIPSearch
import Testing

@testable import ShopSearch

@MainActor
struct SearchModelTests {
    private let made: MadeShop
    private let picture: RGBImage

    init() throws {
        made = try MadeShop()
        picture = try RGBImage(bytes: [UInt8](repeating: 90, count: 3 * 40 * 30), width: 40, height: 30)
    }

    private func answered(_ model: SearchModel) async throws -> SearchState {
        try await reaches(model) { ![.preparing, .searching].contains($0) }
    }

    /// The first state that fits; fails where none comes in ten seconds.
    private func reaches(_ model: SearchModel, _ fits: (SearchState) -> Bool) async throws -> SearchState {
        for _ in 0..<10_000 {
            if fits(model.state) { return model.state }
            try await Task.sleep(for: .milliseconds(1))
        }
        Issue.record("still \(model.state)")
        return model.state
    }

    /// The cards above the heading, and those below it.
    private func parts(_ model: SearchModel) async throws -> (certain: [Card], doubtful: [Card]) {
        guard case .found(let cards, let doubtful, _) = try await answered(model) else {
            Issue.record("\(model.state), expected cards")
            return ([], [])
        }
        return (cards, doubtful)
    }

    private func cards(_ model: SearchModel) async throws -> [Card] {
        let (certain, doubtful) = try await parts(model)
        return certain + doubtful
    }

    @Test func isIdleUntilAskedAndKnowsTheCategories() async throws {
        let model = SearchModel(made.keeper())
        #expect(model.state == .idle && model.categories.isEmpty)
        model.start()
        while model.categories.isEmpty { try await Task.sleep(for: .milliseconds(1)) }
        #expect(model.categories.count == 13 && model.categories.contains("Clothing"))
        model.question.text = " \n"
        model.submit()
        #expect(model.state == .idle)
    }

    @Test func showsWhatTheSearcherFinds() async throws {
        let keeper = made.keeper()
        let model = SearchModel(keeper)
        model.question.text = "a red dress"
        model.submit()
        #expect(model.state == .searching)
        let found = try await cards(model)
        let shop = try await keeper.shop()
        let hits = try await shop.searcher.search(SearchRequest(text: "a red dress", k: 20))
        #expect(found.count == 20 && found.map(\.id) == hits.map(\.product))
        #expect(found.map(\.match?.stars) == hits.map(\.stars) && found.map(\.match?.percent) == hits.map(\.percent))
        let first = try #require(found.first)
        let record = try shop.catalog.product(first.id)
        #expect(first.name == record.name && first.description == record.description)
        #expect(first.thumbnail == shop.catalog.thumbnail(first.id))
        let price = try #require(record.price)
        #expect(first.price == priceText(price, currency: "EUR", locale: .current))
    }

    /// The encoder is as loud as gives the tenth product a confidence just below the limit, then just above it.
    @Test(arguments: [0.099, 0.101])
    func whatIsDoubtfulStandsBelowAndIsNeverHidden(confidence: Double) async throws {
        let quiet = try await made.keeper(loudness: 1).shop()
        let request = try SearchRequest(text: "a red dress", k: 20)
        let tenth = try await quiet.searcher.search(request)[9]
        let curve = quiet.catalog.calibration.text
        let score = (log(confidence / (1 - confidence)) - curve.b) / curve.a
        let keeper = made.keeper(loudness: Float(score / tenth.score))
        let model = SearchModel(keeper)
        model.question.text = "a red dress"
        model.submit()
        let (certain, doubtful) = try await parts(model)
        #expect((confidence < 0.1 ? doubtful : certain).contains { $0.id == tenth.product })
        #expect(certain.count + doubtful.count == 20 && !certain.isEmpty && !doubtful.isEmpty)
        let hits = try await keeper.shop().searcher.search(request)
        let sure = try hits.filter { try #require($0.confidence) >= 0.1 }
        #expect(certain.map(\.id) == sure.map(\.product))
        #expect(doubtful.map(\.id) == hits.filter { !sure.contains($0) }.map(\.product))
        #expect(doubtful.allSatisfy { $0.match?.stars == 0 })
    }

    @Test func whereAllIsDoubtfulAllIsShown() async throws {
        let model = SearchModel(made.keeper(loudness: 0.001))
        model.question.text = "a red dress"
        model.submit()
        let (certain, doubtful) = try await parts(model)
        #expect(certain.isEmpty && doubtful.count == 20)
    }

    @Test func whatWasNotMeasuredHasNoMatchAndIsNotDoubted() async throws {
        let made = try MadeShop(catalog: "unmeasured.catalog")
        let model = SearchModel(made.keeper(loudness: 0.001))
        model.question.text = "a red dress"
        model.submit()
        let (certain, doubtful) = try await parts(model)
        #expect(certain.count == 6 && certain.allSatisfy { $0.match == nil } && doubtful.isEmpty)
    }

    @Test func aPictureIsMeasuredWhereTheTextIsNot() async throws {
        let made = try MadeShop(catalog: "text-unmeasured.catalog")
        let model = SearchModel(made.keeper(loudness: 0.001))
        model.choose { [picture] _ in picture }
        #expect(try await parts(model).doubtful.count == 6)
        model.question.text = "a red dress"
        model.submit()
        #expect(try await parts(model).certain.count == 6)
    }

    @Test func saysWhereAFilterLeavesNothing() async throws {
        let made = try MadeShop(catalog: "unmeasured.catalog")
        try made.addCategory()
        let model = SearchModel(made.keeper())
        model.question.text = "紅色 dress"
        model.question.category = "vegetables"
        model.submit()
        #expect(try await answered(model) == .nothing(unknown: ["Han"]))
    }

    @Test func namesWritingSystemsThatTheModelDoesNotKnow() async throws {
        let model = SearchModel(made.keeper())
        model.question.text = "紅色 dress Платье"
        model.submit()
        guard case .found(_, _, let unknown) = try await answered(model) else {
            Issue.record("\(model.state), expected cards")
            return
        }
        #expect(unknown == ["Han", "Cyrillic"])
    }

    @Test func aCategoryNarrowsTheAnswer() async throws {
        let keeper = made.keeper()
        let model = SearchModel(keeper)
        model.question.text = "a red dress"
        model.question.category = "Clothing"
        model.ask()
        let catalog = try await keeper.shop().catalog
        let found = try await cards(model)
        #expect(!found.isEmpty && found.allSatisfy { catalog.categories[catalog.category($0.id)] == "Clothing" })
    }

    @Test func searchesByAPictureThatIsReadAtTheEncodersSize() async throws {
        let keeper = made.keeper()
        let model = SearchModel(keeper, question: Question(like: 84))
        let size = try await keeper.shop().manifest.preprocessor.size
        model.choose { [picture] asked in
            #expect(asked == size)
            return picture
        }
        #expect(model.state == .searching)
        let found = try await cards(model)
        #expect(model.question.picture?.id == picture.id && model.question.like == nil)
        let hits = try await keeper.shop().searcher.search(SearchRequest(image: picture, k: 20))
        #expect(found.map(\.id) == hits.map(\.product))
    }

    @Test func whatIsNoPictureFailsInItsOwnWordsAndKeepsTheQuestion() async throws {
        let model = SearchModel(made.keeper())
        model.question.text = "a red dress"
        model.choose { _ in throw SearchError.badRequest("no picture") }
        #expect(try await answered(model) == .failed("no picture"))
        model.ask()
        #expect(try await !cards(model).isEmpty)
    }

    @Test func moreLikeAProductLeavesItOutUntilSomethingIsTyped() async throws {
        let keeper = made.keeper()
        let model = SearchModel(keeper, question: Question(like: 84))
        model.start()
        let (alike, doubtful) = try await parts(model)
        #expect(alike.count == 20 && alike.allSatisfy { $0.id != 84 && $0.match == nil } && doubtful.isEmpty)
        model.question.text = "a red dress"
        model.submit()
        #expect(model.question.like == nil)
        let hits = try await keeper.shop().searcher.search(SearchRequest(text: "a red dress", k: 20))
        #expect(try await cards(model).map(\.id) == hits.map(\.product))
    }

    @Test func aScreenThatComesBackKeepsItsAnswer() async throws {
        let model = SearchModel(made.keeper(), question: Question(like: 84))
        model.start()
        let found = try await cards(model)
        model.start()
        #expect(model.state == .found(found, doubtful: [], unknown: []))
    }

    @Test func isPreparingWhileAnEncoderIsLoaded() async throws {
        let gate = Gate()
        let model = SearchModel(made.keeper(gate: gate))
        model.question.text = "a red dress"
        model.submit()
        #expect(try await reaches(model) { $0 == .preparing } == .preparing)
        await gate.open()
        #expect(try await !cards(model).isEmpty)
    }

    @Test func onlyTheLastQuestionIsAnswered() async throws {
        let gate = Gate()
        let model = SearchModel(made.keeper(gate: gate))
        model.question.text = "платье"
        model.submit()
        #expect(try await reaches(model) { $0 == .preparing } == .preparing)
        model.question.text = "a red dress"
        model.submit()
        await gate.open()
        let answer = try await answered(model)
        #expect(try await answer == .found(cards(model), doubtful: [], unknown: []))
        try await Task.sleep(for: .milliseconds(50))
        #expect(model.state == answer)
    }

    @Test func aPictureThatFailsTooLateIsNotHeardOf() async throws {
        let gate = Gate()
        let model = SearchModel(made.keeper())
        model.choose { _ in
            await gate.pass()
            throw SearchError.badRequest("no picture")
        }
        model.question.text = "a red dress"
        model.submit()
        let answer = try await answered(model)
        await gate.open()
        try await Task.sleep(for: .milliseconds(50))
        #expect(model.state == answer)
    }

    @Test func aMissingFileIsNamedAndMayComeLater() async throws {
        let catalog = made.file("shop.catalog")
        let aside = made.file("aside.catalog")
        try FileManager.default.moveItem(at: catalog, to: aside)
        let model = SearchModel(made.keeper(), question: Question(like: 84))
        model.start()
        guard case .failed(let reason) = try await answered(model) else {
            Issue.record("\(model.state), expected a failure")
            return
        }
        #expect(reason.contains("shop.catalog") && !reason.contains("\n"))
        try FileManager.default.moveItem(at: aside, to: catalog)
        model.ask()
        #expect(try await !cards(model).isEmpty)
    }

    @Test func releasedEncodersAreLoadedAnew() async throws {
        let keeper = made.keeper()
        let encoder = try #require(try await keeper.shop().encoder as? Fake)
        let model = SearchModel(keeper)
        for text in ["a red dress", "a blue dress"] {
            model.question.text = text
            model.submit()
            _ = try await cards(model)
            #expect(await encoder.isLoaded)
            await keeper.release()
            #expect(await !encoder.isLoaded)
        }
    }
}
