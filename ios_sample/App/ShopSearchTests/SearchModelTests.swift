import Foundation
import MobileCLIPSearch
import Testing

@testable import MobileCLIPShop

@MainActor
struct SearchModelTests {
    private let made: MadeShop
    private let red = "a red dress"

    init() throws {
        made = try MadeShop()
    }

    private func asked(_ model: SearchModel, _ text: String) -> SearchModel {
        model.question.text = text
        model.submit()
        return model
    }

    /// A model that shows more like the 84th product.
    private func alike(_ keeper: ShopKeeper) async throws -> SearchModel {
        SearchModel(keeper, question: ShopQuestion(like: try await keeper.shop().id(84)))
    }

    @Test func isIdleUntilAskedAndKnowsTheCategories() async throws {
        let model = SearchModel(made.keeper())
        #expect(model.state == .idle && model.categories.isEmpty)
        model.start()
        while model.categories.isEmpty { try await Task.sleep(for: .milliseconds(1)) }
        #expect(model.categories.count == 13 && model.categories.contains("Clothing") && model.currency == "EUR")
        #expect(asked(model, " \n").state == .idle)
    }

    @Test func showsWhatTheSearcherFinds() async throws {
        let keeper = made.keeper()
        let model = asked(SearchModel(keeper), red)
        #expect(model.state == .searching)
        let found = try await model.cards()
        let shop = try await keeper.shop()
        let hits = try await shop.searcher.search(SearchRequest(text: red, k: 20))
        #expect(try await found.map(\.id) == shop.ids(SearchRequest(text: red, k: 20)) && found.count == 20)
        #expect(found.map(\.match?.stars) == hits.map(\.stars) && found.map(\.match?.percent) == hits.map(\.percent))
        let (first, hit) = (try #require(found.first), try #require(hits.first))
        let record = try await shop.catalog.product(hit.product)
        #expect(first.name == record.name && first.description == record.description)
        #expect(await first.thumbnail == shop.catalog.thumbnail(hit.product))
        let price = try #require(record.price)
        #expect(first.price == priceText(price, currency: "EUR", locale: .current))
    }

    /// The encoder is as loud as gives the tenth product a confidence just below the limit, then just above it.
    @Test(arguments: [0.099, 0.101])
    func whatIsDoubtfulStandsBelowAndIsNeverHidden(confidence: Double) async throws {
        let quiet = try await made.keeper(loudness: 1).shop()
        let request = try SearchRequest(text: red, k: 20)
        let tenth = try await quiet.searcher.search(request)[9]
        let curve = await quiet.catalog.calibration.text
        let score = (log(confidence / (1 - confidence)) - curve.b) / curve.a
        let keeper = made.keeper(loudness: Float(score / tenth.score))
        let (certain, doubtful) = try await asked(SearchModel(keeper), red).parts()
        let shop = try await keeper.shop()
        let name = try await shop.id(tenth.product)
        #expect((confidence < 0.1 ? doubtful : certain).contains { $0.id == name })
        #expect(certain.count + doubtful.count == 20 && !certain.isEmpty && !doubtful.isEmpty)
        let hits = try await shop.searcher.search(request)
        let sure = try hits.filter { try #require($0.confidence) >= 0.1 }
        #expect(certain.count == sure.count)
        #expect(try await (certain + doubtful).map(\.id) == shop.ids(request))
        #expect(doubtful.allSatisfy { $0.match?.stars == 0 })
    }

    @Test func whereAllIsDoubtfulAllIsShown() async throws {
        let (certain, doubtful) = try await asked(SearchModel(made.keeper(loudness: 0.001)), red).parts()
        #expect(certain.isEmpty && doubtful.count == 20)
    }

    @Test func whatWasNotMeasuredHasNoMatchAndIsNotDoubted() async throws {
        let made = try MadeShop(catalog: "unmeasured.catalog")
        let (certain, doubtful) = try await asked(SearchModel(made.keeper(loudness: 0.001)), red).parts()
        #expect(certain.count == 6 && certain.allSatisfy { $0.match == nil } && doubtful.isEmpty)
    }

    @Test func aPictureIsMeasuredWhereTheTextIsNot() async throws {
        let made = try MadeShop(catalog: "text-unmeasured.catalog")
        let model = SearchModel(made.keeper(loudness: 0.001))
        model.choose { _ in pictureFile }
        #expect(try await model.parts().doubtful.count == 6)
        #expect(try await asked(model, red).parts().certain.count == 6)
    }

    @Test func saysWhereAFilterLeavesNothing() async throws {
        let made = try MadeShop(catalog: "unmeasured.catalog")
        try made.addCategory()
        let model = SearchModel(made.keeper())
        model.question.category = "vegetables"
        #expect(try await asked(model, "紅色 dress").answered() == .nothing(unknown: ["Han"]))
    }

    @Test(arguments: [
        (["Latin"], ["Han", "Cyrillic"]), (["Latin", "Han"], ["Cyrillic"]), (["Latin", "Han", "Cyrillic", "Thai"], []),
    ])
    func namesWritingSystemsThatTheModelDoesNotKnow(known: [String], expected: [String]) async throws {
        try made.setScripts(known)
        let model = asked(SearchModel(made.keeper()), "紅色 dress Платье")
        guard case .found(_, _, let unknown) = try await model.answered() else {
            Issue.record("\(model.state), expected cards")
            return
        }
        #expect(unknown == expected)
    }

    @Test func aCategoryNarrowsTheAnswer() async throws {
        let keeper = made.keeper()
        let model = SearchModel(keeper, question: ShopQuestion(text: red, category: "Clothing"))
        model.ask()
        let found = try await model.cards()
        let catalog = try await keeper.shop().catalog
        #expect(!found.isEmpty)
        for card in found { #expect(try catalog.product(id: card.id)?.category == "Clothing") }
    }

    @Test func aPriceNarrowsTheAnswerInclusively() async throws {
        let keeper = made.keeper()
        let all = try await asked(SearchModel(keeper), red).cards()
        let catalog = try await keeper.shop().catalog
        let prices = try all.compactMap { try catalog.product(id: $0.id)?.price }.sorted()
        let model = SearchModel(keeper)
        (model.question.lowest, model.question.highest) = (prices[5], prices[10])
        let found = try await asked(model, red).cards()
        for card in found {
            let price = try #require(try catalog.product(id: card.id)?.price)
            #expect(price >= prices[5] && price <= prices[10])
        }
        #expect(try found.contains { try catalog.product(id: $0.id)?.price == prices[5] })
    }

    @Test func aFilterThatTheCatalogDoesNotKnowFiltersNothing() async throws {
        let made = try MadeShop(catalog: "currencies.catalog")
        let model = SearchModel(made.keeper(), question: ShopQuestion(text: red, category: "of last year"))
        model.question.lowest = 1_000_000_000
        model.ask()
        #expect(try await !model.cards().isEmpty && model.currency.isEmpty)
    }

    @Test func searchesByAPictureAndKeepsItsFile() async throws {
        let keeper = made.keeper()
        let model = try await alike(keeper)
        model.choose { _ in pictureFile }
        #expect(model.state == .searching)
        let found = try await model.cards()
        let shop = try await keeper.shop()
        #expect(model.question.like == nil && model.question.picture?.box == .whole)
        let file = try #require(model.pictureFile)
        #expect(try Data(contentsOf: file) == pictureFile)
        let image = try decodedFake(pictureFile, shop.manifest.preprocessor, nil)
        #expect(try await found.map(\.id) == shop.ids(SearchRequest(image: image, k: 20)))
        model.choose { _ in pictureFile + [91] }
        _ = try await model.cards()
        #expect(!FileManager.default.fileExists(atPath: file.path))
        model.removePicture()
        #expect(try await model.answered() == .idle && model.pictureFile == nil)
    }

    @Test func searchesByThePartInTheBox() async throws {
        let keeper = made.keeper()
        let model = SearchModel(keeper)
        model.choose { _ in pictureFile }
        let whole = try await model.cards()
        let box = CropBox.whole.moved(.upperLeft, x: 0.5, y: 0.5)
        model.crop(box)
        let part = try await model.cards()
        let shop = try await keeper.shop()
        let image = try decodedFake(pictureFile, shop.manifest.preprocessor, box.region)
        #expect(try await part.map(\.id) == shop.ids(SearchRequest(image: image, k: 20)) && part != whole)
        model.crop(.whole)
        #expect(try await model.cards() == whole)
    }

    @Test func searchesByACamerasFramesWhileTheLastAnswerStands() async throws {
        let keeper = made.keeper()
        let model = SearchModel(keeper)
        let shop = try await keeper.shop()
        let frames = try [10, 200].map {
            try RGBImage(bytes: [UInt8](repeating: $0, count: 3 * 40 * 30), width: 40, height: 30)
        }
        for frame in frames {
            await model.look(at: frame)
            #expect(try await model.cards().map(\.id) == shop.ids(SearchRequest(image: frame, k: 20)))
        }
        #expect(model.question == ShopQuestion())
    }

    @Test func whatIsNoPictureFailsInTheShoppersWordsAndKeepsTheQuestion() async throws {
        let model = SearchModel(made.keeper())
        model.question.text = red
        model.choose { _ in Data("no picture".utf8) }
        #expect(try await model.answered() == .failed(.picture))
        #expect(model.question == ShopQuestion(text: red))
        model.ask()
        #expect(try await !model.cards().isEmpty)
    }

    @Test func tryAgainAsksForThePictureThatFailed() async throws {
        let model = asked(SearchModel(made.keeper()), red)
        let words = try await model.cards()
        let gate = Gate()
        let failing = Failing(gate)
        model.choose { _ in try await failing.file() }
        #expect(try await model.answered() == .failed(.picture))
        await gate.open()
        model.retry()
        #expect(try await model.cards() != words && model.question.picture != nil)
    }

    @Test func showsHowFarAPictureFromElsewhereIs() async throws {
        let model = SearchModel(made.keeper())
        let (gate, progress) = (Gate(), Progress(totalUnitCount: 10))
        model.choose { tell in
            await tell(progress)
            await gate.pass()
            return pictureFile
        }
        #expect(try await model.reaches { $0 == .fetching(progress) } == .fetching(progress))
        await gate.open()
        _ = try await model.reaches {
            if case .found = $0 { true } else { false }
        }
    }

    @Test func theQuestionIsThatOfTheMomentWhenItWasAsked() async throws {
        let keeper = made.keeper()
        let model = asked(SearchModel(keeper), red)
        model.question.text = "a re"  // half typed while the shop opens
        let found = try await model.cards()
        #expect(try await found.map(\.id) == keeper.shop().ids(SearchRequest(text: red, k: 20)))
        model.question.text = red
        model.choose { _ in pictureFile }
        model.question.text = "half ty"
        let image = try await decodedFake(pictureFile, keeper.shop().manifest.preprocessor, nil)
        let both = try await model.cards()
        #expect(try await both.map(\.id) == keeper.shop().ids(SearchRequest(text: red, image: image, k: 20)))
    }

    @Test func moreLikeAProductLeavesItOutUntilSomethingIsTyped() async throws {
        let keeper = made.keeper()
        let model = try await alike(keeper)
        model.start()
        let (cards, doubtful) = try await model.parts()
        #expect(cards.count == 20 && doubtful.isEmpty)
        #expect(cards.allSatisfy { $0.id != model.question.like && $0.match == nil })
        let found = try await asked(model, red).cards()
        #expect(model.question.like == nil)
        #expect(try await found.map(\.id) == keeper.shop().ids(SearchRequest(text: red, k: 20)))
    }

    @Test func aProductThatIsNoMoreIsSaidToBe() async throws {
        let keeper = made.keeper()
        let model = SearchModel(keeper, question: ShopQuestion(like: "nobody"))
        model.start()
        #expect(try await model.answered() == .failed(.gone))
        #expect(await keeper.result { try await $0.card("nobody", locale: .current) } == .failure(.gone))
    }

    @Test func aScreenThatComesBackKeepsItsAnswer() async throws {
        let model = try await alike(made.keeper())
        model.start()
        let found = try await model.cards()
        model.start()
        #expect(model.state == .found(found, doubtful: [], unknown: []))
    }

    @Test(arguments: ["text", "picture", "part", "both", "like", "filters"])
    func comesBackTheSameAfterTheProcessHasEnded(kind: String) async throws {
        let keeper = made.keeper()
        let model = kind == "like" ? try await alike(keeper) : SearchModel(keeper)
        if ["text", "both", "filters"].contains(kind) { model.question.text = red }
        if kind == "filters" {
            (model.question.category, model.question.highest) = ("Clothing", 50)
        }
        if ["picture", "part", "both"].contains(kind) {
            model.choose { _ in pictureFile }
            _ = try await model.cards()
        }
        if kind == "part" { model.crop(CropBox.whole.moved(.upperLeft, x: 0.5, y: 0)) } else { model.ask() }
        let found = try await model.cards()
        let again = SearchModel(made.keeper())
        again.start(from: model.saved)
        #expect(try await again.cards() == found && again.question == model.question)
    }

    @Test func aPictureThatTheSystemClearedAwayIsSaidToBeUnreadable() async throws {
        let model = SearchModel(made.keeper())
        model.choose { _ in pictureFile }
        _ = try await model.cards()
        try FileManager.default.removeItem(at: try #require(model.pictureFile))
        let again = SearchModel(made.keeper())
        again.start(from: model.saved)
        #expect(try await again.answered() == .failed(.picture))
    }

    @Test func isPreparingWhileAnEncoderIsLoaded() async throws {
        let gate = Gate()
        let model = asked(SearchModel(made.keeper(gate: gate)), red)
        #expect(try await model.reaches { $0 == .preparing } == .preparing)
        await gate.open()
        #expect(try await !model.cards().isEmpty)
    }

    @Test func whatTheWordsNameStandsAboveTheAnswerAndBeforeIt() async throws {
        let (gate, made) = (Gate(), try MadeShop(catalog: "base.catalog", of: "words"))
        let keeper = made.keeper(gate: gate)
        let model = asked(SearchModel(keeper), "acme")
        #expect(try await model.reaches { $0 == .preparing } == .preparing)
        let shop = try await keeper.shop()
        let named = try CatalogSearch(await shop.catalog).named("acme")
        var ids: [String] = []
        for one in named { ids.append(try await shop.id(one.product)) }
        #expect(model.named.map(\.id) == ids && ids.count > 2)
        await gate.open()
        #expect(try await model.cards().map(\.id) == shop.ids(SearchRequest(text: "acme", k: 20)))
        #expect(model.named.count == named.count && model.named.allSatisfy { $0.match == nil })
        model.question.category = "Shoes"
        _ = try await asked(model, "acme").answered()
        #expect(!model.named.isEmpty && model.named.count < named.count)
        model.question.like = model.named.first?.id
        model.ask()
        _ = try await model.answered()
        #expect(model.named.isEmpty)
    }

    @Test func anEncoderIsLoadedBeforeAnythingIsAsked() async throws {
        let (fakes, told) = AsyncStream<Fake>.makeStream()
        let model = SearchModel(made.keeper { told.yield($0) })
        model.prepare(.text)
        let fake = try #require(await first(fakes))
        while await !fake.isLoaded { try await Task.sleep(for: .milliseconds(1)) }
        #expect(model.state == .idle)
    }

    @Test func onlyTheLastQuestionIsAnswered() async throws {
        let gate = Gate()
        let model = asked(SearchModel(made.keeper(gate: gate)), "платье")
        #expect(try await model.reaches { $0 == .preparing } == .preparing)
        let answer = SearchModel(made.keeper())
        _ = asked(model, red)
        await gate.open()
        let found = try await model.answered()
        #expect(try await found == .found(asked(answer, red).cards(), doubtful: [], unknown: []))
        try await Task.sleep(for: .milliseconds(50))
        #expect(model.state == found)
    }

    @Test func aPictureThatFailsTooLateIsNotHeardOf() async throws {
        let gate = Gate()
        let model = SearchModel(made.keeper())
        model.choose { _ in
            await gate.pass()
            throw SearchError.badPicture("no picture")
        }
        let answer = try await asked(model, red).answered()
        await gate.open()
        try await Task.sleep(for: .milliseconds(50))
        #expect(model.state == answer)
    }

    @Test func aPictureThatIsRemovedAtOnceLeavesNoFile() async throws {
        let keeper = made.keeper()
        _ = try await keeper.shop()
        let model = SearchModel(keeper)
        for turns in 0..<200 {  // at many moments of its way from the file into the question
            model.choose { _ in pictureFile }
            while try made.pictures().isEmpty { await Task.yield() }
            for _ in 0..<turns { await Task.yield() }
            model.removePicture()
            for _ in 0..<1000 {
                if try made.pictures().isEmpty { break }
                try await Task.sleep(for: .milliseconds(1))
            }
            let isGone = try made.pictures().isEmpty && model.question.picture == nil && model.state == .idle
            try #require(isGone, "after \(turns) turns")
        }
    }

    @Test func aMissingFileMayComeLater() async throws {
        let (catalog, aside) = (made.file("shop.catalog"), made.file("aside.catalog"))
        try FileManager.default.moveItem(at: catalog, to: aside)
        let model = asked(SearchModel(made.keeper()), red)
        #expect(try await model.answered() == .failed(.files))
        try FileManager.default.moveItem(at: aside, to: catalog)
        model.retry()
        #expect(try await !model.cards().isEmpty)
    }

    /// Idle, while the shop opens, while an encoder is loaded, after an answer, after a failure.
    @Test(arguments: ["idle", "opening", "loading", "found", "failed"])
    func aMemoryWarningChangesNoAnswer(moment: String) async throws {
        let expected = try await asked(SearchModel(made.keeper()), red).cards()
        let gate = Gate(isOpen: moment != "loading")
        let (fakes, told) = AsyncStream<Fake>.makeStream()
        let keeper = made.keeper(gate: gate) { told.yield($0) }
        let model = SearchModel(keeper)
        if moment == "idle" { model.start() }
        if ["opening", "loading", "found"].contains(moment) { _ = asked(model, red) }
        if moment == "loading" { _ = try await model.reaches { $0 == .preparing } }
        if moment == "found" { _ = try await model.cards() }
        if moment == "failed" {
            model.choose { _ in Data() }
            _ = try await model.answered()
        }
        async let released: Void = keeper.release()
        await gate.open()
        await released
        if ["opening", "loading"].contains(moment) { #expect(try await model.cards() == expected) }
        let fake = try #require(await first(fakes))
        if ["idle", "found", "failed"].contains(moment) { #expect(await !fake.isLoaded) }
        #expect(try await asked(model, red).cards() == expected)
        #expect(try await !asked(model, "a blue dress").cards().isEmpty)
        #expect(await fake.isLoaded)
        await keeper.release()
        #expect(await !fake.isLoaded)
    }

    @Test func tellsTheAppWhatWasSearchedAndChosen() async throws {
        let keeper = made.keeper()
        var events: [ShopKeeper.Event] = []
        keeper.onEvent = { events.append($0) }
        let model = asked(SearchModel(keeper), red)
        let found = try await model.cards()
        while events.isEmpty { try await Task.sleep(for: .milliseconds(1)) }
        model.chose(found[3], place: 3)
        guard case .searched(let event) = events[0], case .chose(let id, let place) = events[1] else {
            Issue.record("\(events)")
            return
        }
        #expect(event.kind == .text && event.hits == 20 && event.milliseconds >= 0)
        #expect(id == found[3].id && place == 3)
    }
}

@MainActor
struct StaffTests {
    private let made: MadeShop

    init() throws {
        made = try MadeShop()
    }

    private func entry(_ keeper: ShopKeeper, id: String = "new-1") async throws -> ShopEntry {
        var entry = ShopEntry()
        (entry.id, entry.name, entry.price, entry.category) = (id, "Hand-made hat", "12.50", "Hats")
        entry.picture = try await keeper.shop().keep(pictureFile)
        return entry
    }

    @Test func aNewProductIsFoundAtOnceAndAfterARestart() async throws {
        let keeper = made.keeper()
        let shop = try await keeper.shop()
        try await shop.add(entry(keeper), locale: Locale(identifier: "en_GB"))
        for keeper in [keeper, made.keeper()] {
            let model = SearchModel(keeper)
            model.choose { _ in pictureFile }
            let first = try #require(try await model.cards().first)
            #expect(first.id == "new-1" && first.name == "Hand-made hat" && model.categories.last == "Hats")
            #expect(try Data(contentsOf: try #require(first.picture)) == pictureFile)
            #expect(try await keeper.shop().added().map(\.id) == ["new-1"])
            #expect(try await keeper.shop().card("new-1", locale: .current).name == first.name)
        }
    }

    @Test func whatIsRemovedIsFoundNoMore() async throws {
        let keeper = made.keeper()
        let shop = try await keeper.shop()
        try await shop.add(entry(keeper), locale: Locale(identifier: "en_GB"))
        try await shop.remove("new-1")
        #expect(try await shop.added().isEmpty)
        #expect(await keeper.result { try await $0.card("new-1", locale: .current) } == .failure(.gone))
        await #expect(throws: SearchError.self) { try await shop.remove("new-1") }
    }

    @Test func theListHasTheProductAndItsPicture() async throws {
        let keeper = made.keeper()
        let shop = try await keeper.shop()
        try await shop.add(entry(keeper), locale: Locale(identifier: "en_GB"))
        let folder = try await shop.exported()
        let list = try String(contentsOf: folder.appendingPathComponent("products.csv"), encoding: .utf8)
        #expect(list.contains(#""new-1","Hand-made hat","12.50","EUR""#))
        let pictures = try FileManager.default.contentsOfDirectory(
            at: folder.appendingPathComponent("pictures"), includingPropertiesForKeys: nil)
        #expect(try pictures.map { try Data(contentsOf: $0) } == [pictureFile])
    }

    @Test func aCategoryIsProposed() async throws {
        let keeper = made.keeper()
        let shop = try await keeper.shop()
        let picture = try await shop.keep(pictureFile)
        let proposed = try #require(try await shop.category(of: picture))
        #expect(await shop.catalog.categories.contains(proposed))
    }

    @Test func aPictureTakesTheOldOnesPlace() async throws {
        let shop = try await made.keeper().shop()
        let old = try await shop.keep(pictureFile)
        let (picture, category) = try await shop.keep(pictureFile, insteadOf: old)
        #expect(try made.pictures() == [picture.name] && picture != old)
        let names = await shop.catalog.categories
        #expect(names.contains(try #require(category)))
    }

    @Test func aPictureThatCannotBeUsedLeavesTheOldOne() async throws {
        let shop = try made.brokenShop()
        let old = try await shop.keep(pictureFile)
        for file in [pictureFile, Data("no picture".utf8)] {
            await #expect(throws: SearchError.self) { try await shop.keep(file, insteadOf: old) }
            #expect(try made.pictures() == [old.name])
        }
    }

    @Test func aDamagedListOfStaffsDoesNotStopTheShop() async throws {
        let own = made.file("own").appendingPathComponent("staff")
        try FileManager.default.createDirectory(at: own, withIntermediateDirectories: true)
        try Data("damaged".utf8).write(to: own.appendingPathComponent("overlay.catalog"))
        let keeper = made.keeper()
        let model = SearchModel(keeper, question: ShopQuestion(text: "a red dress"))
        model.start()
        #expect(try await model.cards().count == 20)
        #expect(await keeper.result { try await $0.added() } == .failure(.files))
    }
}

private func first(_ fakes: AsyncStream<Fake>) async -> Fake? {
    for await fake in fakes { return fake }
    return nil
}

/// Gives a picture's file once the gate is open, and fails before.
private actor Failing {
    private let gate: Gate

    init(_ gate: Gate) {
        self.gate = gate
    }

    func file() async throws -> Data {
        guard await gate.isOpen else { throw SearchError.badPicture("not yet") }
        return pictureFile
    }
}
