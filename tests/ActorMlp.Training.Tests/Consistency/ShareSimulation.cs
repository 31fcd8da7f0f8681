using ActorMlp.Engine.Batches;
using ActorMlp.Engine.Random;
using ActorMlp.Training.Configuration;
using ActorMlp.Training.Consistency;
using ActorMlp.Training.Machines;
using ActorMlp.Training.Messages;
using ActorMlp.Training.Runs;
using ActorMlp.Training.Views;

namespace ActorMlp.Training.Tests.Consistency;

/// <summary>
/// A parameter server of shares under a seeded scheduler: workers finish in any order, are lost and come back, updates are applied late; a coordinator lets the run go on.
/// What must hold is checked at every effect.
/// </summary>
internal sealed class ShareSimulation
{
    private readonly RunShape shape;
    private readonly SharePlan plan;
    private readonly ConsistencyRule rule;
    private readonly CounterRandom random;
    private readonly double failureRate;
    private readonly ShareServerMachine machine;
    private readonly List<(WorkerId Worker, ShareWork Work)> underWay = [];
    private readonly Queue<UpdateRecord> updating = [];
    private readonly SortedDictionary<int, WorkerId> members = [];
    private readonly long[] done;
    private ulong draws;
    private int view;
    private bool isHeld = true;

    public ShareSimulation(RunShape shape, SharePlan plan, ConsistencyRule rule, ulong seed, double failureRate = 0)
    {
        this.shape = shape;
        this.plan = plan;
        this.rule = rule;
        this.failureRate = failureRate;
        random = new CounterRandom(seed, RandomPurpose.Shuffle);
        machine = ConsistencyMachines.Create(shape, plan, rule, 0);
        done = new long[plan.Shares];
        for (int number = 0; number < shape.Workers; number++)
        {
            members[number] = new WorkerId(number, 0);
        }
    }

    /// <summary>The log.</summary>
    public List<UpdateRecord> Records { get; } = [];

    /// <summary>Rows by which averages weigh their copies.</summary>
    public List<IReadOnlyList<long>> Weights { get; } = [];

    /// <summary>Steps that were committed.</summary>
    public List<StepCommitted> Steps { get; } = [];

    /// <summary>How far a share was ahead of the slowest when it began a step, at most.</summary>
    public long FurthestAhead { get; private set; }

    /// <summary>Workers that were lost.</summary>
    public int Failures { get; private set; }

    /// <summary>After so many commits the coordinator asks for a hold; 0 for never.</summary>
    public int HoldAfterCommits { get; init; }

    /// <summary>Steps before which the run held.</summary>
    public List<long> Holds { get; } = [];

    /// <summary>Runs to the end of the last step.</summary>
    public void Run()
    {
        Publish();
        for (int events = 0; Steps.Count < shape.TotalSteps; events++)
        {
            Assert.True(events < 200_000, $"no progress: {Steps.Count} steps committed of {shape.TotalSteps}");
            if (isHeld)
            {
                isHeld = false;
                Carry(machine.Handle(new ContinueTraining(Steps.Count, 1)));
            }

            // Nobody computes with weights before they are there.
            long applied = Records.Count - updating.Count;
            List<(WorkerId Worker, ShareWork Work)> finishing = [.. underWay.Where(entry => entry.Work.Version <= applied)];
            int choices = finishing.Count + (updating.Count > 0 ? 1 : 0);
            Assert.True(choices > 0 || isHeld || Steps.Count == shape.TotalSteps, "nothing is under way, and the run does not hold");
            if (choices == 0)
            {
                continue;
            }

            int choice = random.Below(choices, draws++, 0, 0);
            if (choice == finishing.Count)
            {
                Carry(machine.Handle(new ShareUpdateApplied(updating.Dequeue().Sequence, default)));
            }
            else
            {
                Finish(finishing[choice]);
            }
        }
    }

    private void Finish((WorkerId Worker, ShareWork Work) entry)
    {
        (WorkerId worker, ShareWork work) = entry;
        if (random.Below(10_000, draws++, 1, 0) < failureRate * 10_000)
        {
            Lose(worker);
            return;
        }

        underWay.Remove(entry);
        Carry(machine.Handle(new ShareComputed(worker, work, TotalsOf(work))));
    }

    /// <summary>A worker is lost; it comes back at once, or later, or its last result comes after it was given up.</summary>
    private void Lose(WorkerId worker)
    {
        Failures++;
        List<(WorkerId Worker, ShareWork Work)> lost = [.. underWay.Where(entry => entry.Worker == worker)];
        underWay.RemoveAll(entry => entry.Worker == worker);
        members.Remove(worker.Number);
        Publish();
        if (random.Below(2, draws++, 2, 0) == 0)
        {
            foreach ((WorkerId who, ShareWork work) in lost)
            {
                Carry(machine.Handle(new ShareComputed(who, work, TotalsOf(work))));
            }
        }

        members[worker.Number] = new WorkerId(worker.Number, worker.Incarnation + 1);
        Publish();
    }

    private GradientTotals[] TotalsOf(ShareWork work) =>
        [.. Enumerable.Range(0, work.Steps).Select(i => new GradientTotals(plan.RowsOf(work.Clock + i, work.Share), 1, 0))];

    private void Publish() => Carry(machine.Handle(new ViewPublished(
        new View(++view, [.. members.Values.Select(worker => new ShardRange(worker, 0, 0))]) { Arrangement = new Arrangement(1, 0, []) }, Steps.Count)));

    private void Carry(IReadOnlyList<ParameterServerEffect> effects)
    {
        foreach (ParameterServerEffect effect in effects)
        {
            switch (effect)
            {
                case GrantShare grant:
                    Enter(grant);
                    break;
                case ApplyShares apply:
                    Enter(apply.Update);
                    break;
                case AverageShares average:
                    Weights.Add(average.Rows);
                    Enter(average.Update);
                    break;
                case TellCoordinator { Message: StepCommitted step }:
                    Enter(step);
                    break;
                case TellCoordinator { Message: RangeReady } or SendWeights:
                    break;
                default:
                    Assert.Fail($"unexpected {effect}");
                    break;
            }
        }
    }

    private void Enter(GrantShare grant)
    {
        ShareWork work = grant.Work;
        Assert.False(isHeld, $"{work} was granted while the run holds");
        Assert.Contains(grant.Worker, members.Values);
        Assert.Contains(Enumerable.Range(0, work.Steps), i => plan.RowsOf(work.Clock + i, work.Share) > 0);
        Assert.Equal(Records.Count, work.Version);
        if (rule.Mode is ConsistencyMode.Ssp or ConsistencyMode.Async)
        {
            Assert.Equal(Next(work.Share), work.Clock);
            long ahead = work.Clock - Enumerable.Range(0, plan.Shares).Min(Next);
            Assert.True(ahead <= rule.Staleness, $"share {work.Share} is {ahead} steps ahead of the slowest");
            FurthestAhead = Math.Max(FurthestAhead, ahead);
        }

        // A round ends with the next average.
        Assert.Equal(rule.Mode == ConsistencyMode.Local ? plan.AverageAtOrAfter(work.Clock + 1, rule.AverageEvery) - work.Clock : 1, work.Steps);
        underWay.Add((grant.Worker, work));
    }

    private void Enter(UpdateRecord record)
    {
        Assert.Equal(Records.Count, record.Sequence);
        Records.Add(record);
        updating.Enqueue(record);
        foreach (UpdatePart part in record.Parts)
        {
            done[part.Share] = record.Clock + 1;
        }
    }

    private void Enter(StepCommitted step)
    {
        Assert.Equal(Steps.Count, step.Step);
        Steps.Add(step);
        if (step.Held)
        {
            isHeld = true;
            Holds.Add(step.Step + 1);
            Assert.Empty(updating);
            Assert.True(rule.Mode == ConsistencyMode.Backup || underWay.Count == 0, "shares are under way while the run holds");
            Assert.All(Records, record => Assert.True(record.Clock <= step.Step, $"{record} is beyond the hold after step {step.Step}"));
        }

        if (Steps.Count == HoldAfterCommits)
        {
            Carry(machine.Handle(new HoldTraining(1)));
        }
    }

    /// <summary>The next step of which a share has rows.</summary>
    private long Next(int share) => plan.RowsOf(done[share], share) > 0 ? done[share] : done[share] + 1;
}
