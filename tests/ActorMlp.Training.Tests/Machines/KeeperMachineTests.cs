using ActorMlp.Engine.Batches;
using ActorMlp.Training.Machines;
using ActorMlp.Training.Messages;
using ActorMlp.Training.Runs;
using ActorMlp.Training.Views;

namespace ActorMlp.Training.Tests.Machines;

/// <summary>A keeper of a run of two epochs of five steps, whose vector of ten floats is with servers 4 and 6, in arrangement 3.</summary>
public sealed partial class KeeperMachineTests
{
    private const int Weights = 0, Slot = 1, FirstResidual = 2;

    private static readonly ParameterPiece[] Pieces = [new(4, 0, 6, 6), new(6, 6, 4)];
    private static readonly BestEpoch Best = new(1, new SplitMetrics { Loss = 2 });
    private static readonly CoordinatorName First = new("a:1", 7), Second = new("b:1", 8);

    [Fact]
    public void Epoch_that_is_told_of_again_is_no_news_until_the_run_goes_back_behind_it()
    {
        KeeperMachine machine = At(0);
        Assert.True(machine.Handle(EpochOf(5)));
        Assert.False(machine.Handle(EpochOf(5)));
        Assert.True(machine.Handle(EpochOf(10)));
        machine.Handle(Last(5));
        Receive(machine, 5);
        machine.Handle(new RunRewound(5, "lost"));
        Assert.False(machine.Handle(EpochOf(5)));
        Assert.True(machine.Handle(EpochOf(10)));
    }

    [Fact]
    public void Servers_standbys_and_owners_of_subtrees_get_their_parts_of_the_state()
    {
        KeeperMachine machine = Accepted();
        Assert.Equal(
            [(4, Weights, 0), (6, Weights, 0), (6, Weights, 6), (4, Slot, 0), (6, Slot, 0), (6, Slot, 6)],
            Supplied(Arrange(machine, 3, 0)));

        // Before the first step nobody owes anything; later the owner of each subtree does.
        machine.Handle(Last(3));
        Receive(machine, 3);
        Assert.Equal(
            [(1, FirstResidual, 0), (1, FirstResidual, 6), (2, FirstResidual + 1, 0), (2, FirstResidual + 1, 6)],
            Supplied(Arrange(machine, 9, 3)).Where(part => part.Vector >= FirstResidual));
    }

    [Fact]
    public void Ranges_are_supplied_once_and_not_before_the_view_is_known_that_they_belong_to()
    {
        KeeperMachine machine = Accepted();
        Assert.Empty(machine.Handle(new RangesWanted(ArrangementAt(3, 0))));
        Assert.NotEmpty(Supplied(Arrange(machine, 3, 0)));
        machine.Handle(Part(3, Weights, Pieces[0]));

        // Said again too late: what has come meanwhile stays.
        Assert.Empty(machine.Handle(new RangesWanted(ArrangementAt(3, 0))));
    }

    [Fact]
    public void State_that_is_asked_for_and_not_here_ends_the_run()
    {
        KeeperMachine machine = At(0);
        machine.Handle(Part(3, Weights, Pieces[0]));
        Assert.Equal([new GiveUpRun("the state of step 3 is asked for, and is not here")], Arrange(machine, 9, 3));
    }

    [Fact]
    public void Checkpoint_is_written_as_soon_as_its_state_is_whole()
    {
        KeeperMachine machine = At(0);
        WriteCheckpoint wanted = Last(3);
        Assert.Empty(machine.Handle(wanted));
        Assert.Equal((0, 3), (machine.Saved.Step, machine.Newest.Step));
        StateArrived[] parts = Parts(3);
        foreach (StateArrived part in parts[..^1])
        {
            Assert.Empty(machine.Handle(part));

            // A server that took over sends again what the one before it had sent.
            Assert.Empty(machine.Handle(part));
        }

        Assert.Equal(new WriteState(CheckpointKind.Last, wanted.Progress), machine.Handle(parts[^1])[0]);
        Assert.Equal(3, machine.Saved.Step);

        // What is whole is not overwritten.
        Assert.False(machine.Takes(parts[0]));
    }

    [Fact]
    public void State_that_comes_before_its_checkpoint_is_asked_for_is_written_then()
    {
        KeeperMachine machine = At(0);
        Assert.Empty(Receive(machine, 3));
        Assert.Contains(new WriteState(CheckpointKind.Last, Last(3).Progress), machine.Handle(Last(3)));
    }

    [Fact]
    public void Part_of_another_arrangement_is_not_taken()
    {
        KeeperMachine machine = At(0);
        StateArrived stale = Part(3, Weights, Pieces[0]) with { Arrangement = 2 };
        Assert.False(machine.Takes(stale));
        Assert.Empty(machine.Handle(stale));
        machine.Handle(Last(3));
        StateArrived[] parts = Parts(3);
        Assert.All(parts[1..], part => Assert.Empty(machine.Handle(part)));
    }

    [Fact]
    public void New_arrangement_forgets_what_was_under_way_and_keeps_what_is_whole()
    {
        KeeperMachine machine = At(0);
        machine.Handle(Last(3));
        Receive(machine, 3);
        machine.Handle(Last(4));
        machine.Handle(Part(4, Weights, Pieces[0]));
        Assert.Equal([4], Arrange(machine, 9, 3).OfType<DropState>().Select(drop => drop.Step));
        Assert.Equal((3, 3), (machine.Saved.Step, machine.Newest.Step));
        Assert.NotEmpty(Supplied(Arrange(machine, 10, 3)));
    }

    [Fact]
    public void Arrangement_that_goes_back_behind_the_newest_whole_state_is_refused_and_the_coordinator_told_what_is_kept()
    {
        KeeperMachine machine = At(0);
        machine.Handle(Last(3));
        Receive(machine, 3);
        Assert.Equal([new AnswerCoordinator(new StateKept(ProgressAt(3)))], Arrange(machine, 9, 0));
        Assert.NotEmpty(Supplied(Arrange(machine, 10, 3)));
    }

    [Fact]
    public void State_is_kept_as_soon_as_it_is_whole_and_older_ones_go()
    {
        KeeperMachine machine = At(0);
        machine.Handle(Last(3));
        IReadOnlyList<KeeperEffect> effects = Receive(machine, 3);
        Assert.Equal([new WriteState(CheckpointKind.Last, ProgressAt(3)), new AnswerCoordinator(new StateKept(ProgressAt(3))), new DropState(0)], effects);
    }

    [Fact]
    public void Checkpoints_and_the_end_have_the_counts_of_the_steps_that_were_told_whatever_another_coordinator_counts()
    {
        KeeperMachine machine = At(0);
        machine.Handle(StepWith(0, duplicates: 2));
        machine.Handle(StepWith(1, duplicates: 3));

        // Told again by the next coordinator, who heard of other duplicates.
        machine.Handle(StepWith(1, duplicates: 9));
        machine.Handle(Last(2));
        WriteState written = Receive(machine, 2).OfType<WriteState>().Single();
        Assert.Equal((8, 5), (written.Progress.Ledger.ShardsCommitted, written.Progress.Ledger.DuplicatesDropped));

        // Trained again, so told again.
        machine.Handle(StepWith(2, duplicates: 100));
        machine.Handle(new RunRewound(2, "lost"));
        machine.Handle(StepWith(2, duplicates: 1));
        machine.Handle(Last(3));
        Receive(machine, 3);
        CloseRun end = Assert.IsType<CloseRun>(Assert.Single(machine.Handle(Conclusion(3))));
        Assert.Equal((12, 6), (end.Conclusion.Progress.Ledger.ShardsCommitted, end.Conclusion.Progress.Ledger.DuplicatesDropped));
    }

    [Fact]
    public void Step_that_is_told_again_is_new_only_if_it_is_trained_again()
    {
        KeeperMachine machine = At(0);
        Assert.True(machine.Handle(StepWith(0, duplicates: 0)));
        Assert.True(machine.Handle(StepWith(1, duplicates: 0)));
        Assert.False(machine.Handle(StepWith(0, duplicates: 0)));
        Assert.False(machine.Handle(StepWith(1, duplicates: 0)));
        machine.Handle(new RunRewound(1, "lost"));
        Assert.True(machine.Handle(StepWith(1, duplicates: 0)));
    }

    [Fact]
    public void Failed_checkpoint_is_told_to_each_coordinator_until_the_run_ends()
    {
        KeeperMachine machine = At(0);
        var failed = new CheckpointFailed("the disk is full");
        Assert.Equal([new AnswerCoordinator(failed)], machine.Handle(failed));
        machine.Handle(new CoordinatorGone(First));
        machine.Handle(new RunAccepted(11, 2), Second);
        Assert.Equal([new AnswerCoordinator(failed)], machine.Handle(ViewOf(ArrangementAt(3, 0))));
        machine.Handle(new RunMoves(null), 12);
        machine.Handle(new RunAccepted(12, 2), First);
        Assert.Equal([new AnswerCoordinator(failed)], machine.Handle(ViewOf(ArrangementAt(3, 0))));
        Assert.Equal([new GiveUpRun("no checkpoint could be written")], machine.Handle(new RunFailed("no checkpoint could be written")));
    }

    [Fact]
    public void Best_weights_are_read_once_every_checkpoint_is_on_its_way_and_go_to_each_worker_before_the_coordinator_hears_of_them()
    {
        KeeperMachine machine = At(0);
        machine.Handle(new WriteCheckpoint(CheckpointKind.Best, ProgressAt(5, Best), 0));
        machine.Handle(new WriteCheckpoint(CheckpointKind.Last, ProgressAt(5, Best), 0));
        Assert.Empty(machine.Handle(new RestoreBest(5)));
        IReadOnlyList<KeeperEffect> effects = Receive(machine, 5);
        Assert.Equal([CheckpointKind.Best, CheckpointKind.Last], effects.OfType<WriteState>().Select(write => write.Kind));
        ReadBest read = Assert.IsType<ReadBest>(effects[^1]);
        Assert.Equal(5, read.Step);

        var loaded = new BestLoaded(read.Restoration);
        Assert.True(machine.Takes(loaded));
        effects = machine.Handle(loaded);
        Assert.Equal([(1, 0), (1, 6), (2, 0), (2, 6)], effects.OfType<SendBest>().Select(send => (send.To, send.Piece.Offset)));
        Assert.All(effects.OfType<SendBest>(), send => Assert.Equal((11, true), (send.Message.Step, send.Message.Held)));
        Assert.Equal(new ConfirmBest(5), effects[^1]);

        // Whoever joins later gets them too, and nobody twice.
        View joined = ViewOf(ArrangementAt(3, 0)).View;
        Assert.Equal([5, 5], machine.Handle(new ViewPublished(joined with { Number = 4, Ranges = [.. joined.Ranges, new(new WorkerId(5, 0), 2, 2)] }))
            .OfType<SendBest>().Select(send => send.To));
        Assert.Equal([new CloseRun(Conclusion(10), null)], machine.Handle(Conclusion(10)));
    }

    [Fact]
    public void Best_weights_that_an_arrangement_made_needless_are_not_taken()
    {
        KeeperMachine machine = At(0);
        ReadBest read = Assert.IsType<ReadBest>(Assert.Single(machine.Handle(new RestoreBest(5))));
        Arrange(machine, 9, 0);
        Assert.False(machine.Takes(new BestLoaded(read.Restoration)));
        Assert.Empty(machine.Handle(new BestLoaded(read.Restoration)));
        Assert.Empty(machine.Handle(new BestMissing(read.Restoration, "gone")));

        read = Assert.IsType<ReadBest>(Assert.Single(machine.Handle(new RestoreBest(5))));
        Assert.Equal([new GiveUpRun("gone")], machine.Handle(new BestMissing(read.Restoration, "gone")));
    }

    [Fact]
    public void Run_ends_with_the_weights_of_its_last_step_where_no_best_are_wanted()
    {
        KeeperMachine machine = At(0);
        machine.Handle(Last(3));
        Receive(machine, 3);
        Assert.Equal([new CloseRun(Conclusion(3), 3)], machine.Handle(Conclusion(3)));
        Assert.False(machine.Hears(First));
        Assert.IsType<GiveUpRun>(Assert.Single(At(0).Handle(Conclusion(4))));
    }

    private static KeeperMachine Machine() => new(
        new RunShape { Epochs = 2, StepsPerEpoch = 5, Shards = 4, Workers = 2, EncodedSubtrees = 2, LearningRate = _ => 0.1 },
        new StateShape(10, _ => 2, 2),
        RunProgress.Start,
        null,
        "keeper:1",
        ["a:1", "b:1"]);

    private static KeeperMachine Accepted()
    {
        KeeperMachine machine = Machine();
        machine.Begin(11);
        machine.Handle(new RunAccepted(11, 2), First);
        return machine;
    }

    /// <summary>A keeper whose run has begun, at a step whose state is there.</summary>
    private static KeeperMachine At(long step)
    {
        KeeperMachine machine = Accepted();
        Arrange(machine, 3, step);
        return machine;
    }

    private static IReadOnlyList<KeeperEffect> Arrange(KeeperMachine machine, int number, long step)
    {
        machine.Handle(ViewOf(ArrangementAt(number, step)));
        return machine.Handle(new RangesWanted(ArrangementAt(number, step)));
    }

    private static Arrangement ArrangementAt(int number, long step) => new(number, step, Pieces);

    private static ViewPublished ViewOf(Arrangement arrangement) =>
        new(new View(3, [new(new WorkerId(1, 0), 0, 2), new(new WorkerId(2, 0), 2, 4)]) { Arrangement = arrangement });

    private static StepCommittedEvent StepWith(long step, int duplicates) =>
        new(new StepMetrics { Step = step + 1, Epoch = 1, Loss = 1, LearningRate = 0.1 })
        {
            Account = new StepAccount(step, 3, new GradientTotals(4, 1, 0), [new CountedSubtree(1, new TreeNode(2, 0))], duplicates, []),
        };

    internal static EpochCompleted EpochOf(long step) => new(new EpochMetrics
    {
        Epoch = (int)(step / 5),
        Step = step,
        Train = new SplitMetrics { Loss = 1 },
        LearningRate = 0.1,
        Best = false,
        SamplesPerSecond = 1,
        WallSeconds = 1,
    });

    private static RunProgress ProgressAt(long step, BestEpoch? best = null) => RunProgress.Start with { Step = step, Best = best };

    private static WriteCheckpoint Last(long step, long known = 0) => new(CheckpointKind.Last, ProgressAt(step), known);

    private static StateArrived Part(long step, int vector, ParameterPiece piece) => new(3, step, vector, piece.Offset, piece.Length);

    private static StateArrived[] Parts(long step) => [.. from vector in Enumerable.Range(0, 4) from piece in Pieces select Part(step, vector, piece)];

    private static List<KeeperEffect> Receive(KeeperMachine machine, long step) => [.. Parts(step).SelectMany(machine.Handle)];

    private static OfferRun Offer(IReadOnlyList<KeeperEffect> effects) => Assert.Single(effects.OfType<OfferRun>());

    private static IEnumerable<(int To, int Vector, int Offset)> Supplied(IReadOnlyList<KeeperEffect> effects) =>
        effects.OfType<SupplyState>().Select(supply => (supply.To, supply.Vector, supply.Piece.Offset));

    private static RunConclusion Conclusion(long step) => new(RunStatus.Completed, ProgressAt(step), 1, null, null, null, 0);
}
