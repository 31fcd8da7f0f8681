using ActorMlp.Engine.Batches;
using ActorMlp.Training.Machines;
using ActorMlp.Training.Messages;
using ActorMlp.Training.Views;
using CsCheck;

namespace ActorMlp.Training.Tests.Machines;

public sealed class WeightsMachineTests
{
    private static readonly ParameterPiece[] Pieces = [new(4, 0, 10), new(4, 10, 10), new(6, 20, 10)];

    [Fact]
    public void Piece_is_taken_if_it_is_of_the_arrangement_that_stands_and_newer_than_what_is_there()
    {
        var machine = new WeightsMachine();
        Assert.False(machine.Takes(Piece(0, 0)));
        machine.Handle(View(3, arrangement: 3));
        Assert.True(machine.Takes(Piece(0, 0)));
        Assert.False(machine.Takes(Piece(0, 0) with { Arrangement = 2 }));
        Assert.False(machine.Takes(Piece(0, 0) with { Arrangement = 4 }));
        machine.Handle(Piece(0, 5));
        Assert.False(machine.Takes(Piece(0, 4)));
        Assert.False(machine.Takes(Piece(0, 5)));
        Assert.True(machine.Takes(Piece(0, 6)));
        Assert.True(machine.Takes(Piece(10, 0)));
    }

    [Fact]
    public void Pieces_in_any_order_that_keeps_each_servers_are_adopted_step_by_step()
    {
        const int Steps = 6;
        Gen.Int[0, Pieces.Length - 1].Array[200].Sample(choices =>
        {
            var machine = new WeightsMachine();
            machine.Handle(View(3, arrangement: 3));
            var sent = new long[Pieces.Length];
            var effects = new List<WeightsEffect>();

            // A server may be a step ahead of the others, and no further: no worker begins that step before its pieces are all there.
            foreach (int next in choices.Where(next => sent[next] <= sent.Min() && sent[next] < Steps))
            {
                // The view of a step is what the lead says; the others say something else.
                long step = sent[next]++;
                IReadOnlyList<WeightsEffect> found = machine.Handle(Piece(Pieces[next].Offset, step) with { View = next == 0 ? 10 + (int)step : 3 });
                Assert.Equal(sent.All(count => count == step + 1), found.Count > 0);
                effects.AddRange(found);
            }

            Assert.Equal(
                Enumerable.Range(0, (int)sent.Min()).SelectMany(step => new WeightsEffect[] { new AdoptWeights(step, Held: false), Begin(10 + step, step) }), effects);
        });
    }

    [Fact]
    public void Step_whose_pieces_are_not_all_there_when_the_next_come_is_skipped()
    {
        WeightsMachine machine = At(0);
        Assert.Empty(machine.Handle(Piece(0, 1)));
        Assert.Empty(machine.Handle(new StepOpened(3, 1, [])));
        Assert.Empty(machine.Handle(Piece(10, 2)));
        Assert.Empty(machine.Handle(Piece(0, 2)));
        Assert.Empty(machine.Handle(Piece(20, 1)));
        Assert.Equal([new AdoptWeights(2, Held: false), Begin(3, 2)], machine.Handle(Piece(20, 2)));
    }

    [Fact]
    public void Piece_that_comes_twice_is_adopted_once()
    {
        WeightsMachine machine = At(0);
        foreach (ParameterPiece piece in Pieces)
        {
            Assert.Empty(machine.Handle(Piece(piece.Offset, 0)));
        }
    }

    [Fact]
    public void Lead_alone_says_whether_the_step_begins()
    {
        WeightsMachine machine = Viewed();
        machine.Handle(Piece(10, 0));
        machine.Handle(Piece(20, 0));
        Assert.Equal([new AdoptWeights(0, Held: true)], machine.Handle(Piece(0, 0) with { Held = true }));

        // The same when the lead's piece is not the last.
        machine.Handle(Piece(0, 1));
        machine.Handle(Piece(10, 1) with { Held = true });
        Assert.Equal([new AdoptWeights(1, Held: false), Begin(3, 1)], machine.Handle(Piece(20, 1) with { Held = true }));
    }

    [Fact]
    public void Step_that_is_opened_before_its_weights_are_there_waits_for_them()
    {
        WeightsMachine machine = Viewed();
        var opened = new StepOpened(3, 0, [new TreeNode(0, 1)]);
        Assert.Empty(machine.Handle(opened));
        machine.Handle(Piece(0, 0) with { Held = true });
        machine.Handle(Piece(10, 0));
        Assert.Equal([new AdoptWeights(0, Held: true), new HandToWorker(opened)], machine.Handle(Piece(20, 0)));

        // Opened again, in another view: the weights are there.
        var again = new StepOpened(4, 0, []);
        Assert.Equal([new HandToWorker(again)], machine.Handle(again));
    }

    [Fact]
    public void Evaluation_waits_for_its_own_weights()
    {
        WeightsMachine machine = At(0);
        EvaluateBlocks now = Evaluation(1, 0), next = Evaluation(2, 1), later = Evaluation(3, 2), late = Evaluation(4, 1);
        Assert.Equal([new HandToWorker(now)], machine.Handle(now));
        Assert.Empty(machine.Handle(later));
        Assert.Empty(machine.Handle(next));
        Assert.Equal([new AdoptWeights(1, Held: false), Begin(3, 1), new HandToWorker(next)], All(machine, 1));
        Assert.Equal([new AdoptWeights(2, Held: false), Begin(3, 2), new HandToWorker(later)], All(machine, 2));

        // One that comes too late for its weights is never handed over.
        Assert.Empty(machine.Handle(late));
        Assert.Equal([new AdoptWeights(3, Held: false), Begin(3, 3)], All(machine, 3));
    }

    [Fact]
    public void New_arrangement_forgets_what_was_there_and_what_waited()
    {
        WeightsMachine machine = At(5);
        machine.Handle(Piece(0, 6));
        machine.Handle(new StepOpened(3, 6, []));
        machine.Handle(Evaluation(1, 6));
        ViewPublished view = View(8, arrangement: 8);
        Assert.Equal([new HandToWorker(view)], machine.Handle(view));

        // Pieces of the old one count no longer; those of the new one all come anew, be they older.
        Assert.Empty(All(machine, 6));
        Assert.Empty(machine.Handle(Piece(20, 4) with { Arrangement = 8 }));
        Assert.Empty(machine.Handle(Piece(10, 4) with { Arrangement = 8 }));
        Assert.Equal([new AdoptWeights(4, Held: false), Begin(8, 4)], machine.Handle(Piece(0, 4) with { Arrangement = 8, View = 8 }));
        foreach (long step in new[] { 5, 6 })
        {
            machine.Handle(Piece(0, step) with { Arrangement = 8, View = 8, Held = true });
            machine.Handle(Piece(10, step) with { Arrangement = 8 });
            Assert.Equal([new AdoptWeights(step, Held: true)], machine.Handle(Piece(20, step) with { Arrangement = 8 }));
        }
    }

    [Fact]
    public void View_of_the_same_or_an_older_arrangement_goes_to_the_worker_and_changes_nothing()
    {
        WeightsMachine machine = At(0);
        machine.Handle(Piece(0, 1));
        machine.Handle(Piece(10, 1));
        foreach (ViewPublished view in new[] { View(4, arrangement: 3), View(2, arrangement: 2) })
        {
            Assert.Equal([new HandToWorker(view)], machine.Handle(view));
        }

        Assert.False(machine.Takes(Piece(0, 1)));
        Assert.Equal([new AdoptWeights(1, Held: false), Begin(3, 1)], machine.Handle(Piece(20, 1)));
    }

    private static WeightsMachine Viewed()
    {
        var machine = new WeightsMachine();
        machine.Handle(View(3, arrangement: 3));
        return machine;
    }

    /// <summary>A copy that is whole, in view and arrangement 3.</summary>
    private static WeightsMachine At(long step)
    {
        WeightsMachine machine = Viewed();
        Assert.Equal([new AdoptWeights(step, Held: false), Begin(3, step)], All(machine, step));
        return machine;
    }

    private static List<WeightsEffect> All(WeightsMachine machine, long step) =>
        [.. Pieces.SelectMany(piece => machine.Handle(Piece(piece.Offset, step)))];

    private static ViewPublished View(int number, int arrangement) =>
        new(new View(number, []) { Arrangement = new Arrangement(arrangement, 0, Pieces) });

    private static WeightsArrived Piece(int offset, long step) => new(3, step, offset, 3, Held: false);

    private static HandToWorker Begin(int view, long step) => new(new StepOpened(view, step, []));

    private static EvaluateBlocks Evaluation(int number, long step) => new(number, EvaluatedSplit.Validation, 0, 2, step);
}
