using ActorMlp.Training.Machines;
using ActorMlp.Training.Messages;
using ActorMlp.Training.Views;
using CsCheck;

namespace ActorMlp.Training.Tests.Machines;

public sealed class WorkerPacesTests
{
    private static readonly WorkerId[] Two = Workers(2);

    [Fact]
    public void Pace_counts_once_every_worker_was_measured_for_a_second()
    {
        var paces = new WorkerPaces();
        View even = Even(8, Two);
        paces.Enter(new WorkerPace(Two[0], 10, 10));
        Assert.False(paces.SuggestsOtherDeal(8, even, Two));
        paces.Enter(new WorkerPace(Two[1], 30, 0.9));
        Assert.False(paces.SuggestsOtherDeal(8, even, Two));
        Assert.Null(paces.Of(Two));
        paces.Enter(new WorkerPace(Two[1], 30, 0.9));
        Assert.True(paces.SuggestsOtherDeal(8, even, Two));
        Assert.NotNull(paces.Of(Two));
    }

    [Theory]
    [InlineData(1, false)]
    [InlineData(1.3, false)]
    [InlineData(1.45, false)]
    [InlineData(1.55, true)]
    [InlineData(3, true)]
    [InlineData(0.2, true)]
    public void Other_deal_is_suggested_where_a_step_becomes_a_fifth_faster(double rate, bool expected)
    {
        // Even, a step takes 4 s. At a rate of 1.5 the other worker takes 5 of the 8 shards in 3.33 s, so the step is 1.2 times as fast.
        var paces = new WorkerPaces();
        paces.Enter(new WorkerPace(Two[0], 100, 100));
        paces.Enter(new WorkerPace(Two[1], 100, 100 / rate));
        Assert.Equal(expected, paces.SuggestsOtherDeal(8, Even(8, Two), Two));
        Assert.Equal(expected, paces.Of(Two) is not null);
    }

    [Fact]
    public void Deal_that_was_suggested_stands_as_long_as_paces_stay()
    {
        int suggested = 0;
        Gen.Select(Gen.Int[1, 6], Gen.Double[0.1, 10].Array[2, 6]).Sample((exponent, rates) =>
        {
            WorkerId[] workers = Workers(rates.Length);
            int shards = 1 << exponent;
            var paces = new WorkerPaces();
            Measure(paces, workers, rates);
            View even = Even(shards, workers);
            if (!paces.SuggestsOtherDeal(shards, even, workers))
            {
                Assert.Null(paces.Of(workers));
                return;
            }

            Interlocked.Increment(ref suggested);
            View dealt = new(2, ShardDealer.Deal(shards, workers, paces.Of(workers)));
            Assert.True(SecondsOfAStep(dealt, rates) * WorkerPaces.Gain <= SecondsOfAStep(even, rates) * (1 + 1e-9));
            for (int again = 0; again < 3; again++)
            {
                Measure(paces, workers, rates);
                Assert.False(paces.SuggestsOtherDeal(shards, dealt, workers));
            }
        });
        Assert.True(suggested > 10, $"only {suggested} deals were suggested");
    }

    [Fact]
    public void Noise_of_a_twelfth_never_moves_a_shard() =>
        Gen.Select(Gen.Int[0, 6], Gen.Int[2, 9], Gen.Double[0.92, 1.08].Array[90]).Sample((exponent, count, noise) =>
        {
            WorkerId[] workers = Workers(count);
            var paces = new WorkerPaces();
            View even = Even(1 << exponent, workers);
            foreach (double[] rates in noise.Chunk(count).Where(rates => rates.Length == count))
            {
                Measure(paces, workers, rates);
                Assert.False(paces.SuggestsOtherDeal(1 << exponent, even, workers));
            }
        });

    [Fact]
    public void Worker_that_slows_down_is_found_however_long_it_was_fast()
    {
        var paces = new WorkerPaces();
        View even = Even(8, Two);
        for (int second = 0; second < 1000; second++)
        {
            Measure(paces, Two, [10, 10]);
            Assert.False(paces.SuggestsOtherDeal(8, even, Two));
        }

        int seconds = 1;
        for (Measure(paces, Two, [2, 10]); !paces.SuggestsOtherDeal(8, even, Two); Measure(paces, Two, [2, 10]))
        {
            seconds++;
            Assert.True(seconds < 10, "what was measured long ago still counts");
        }

        IReadOnlyList<ShardRange> dealt = ShardDealer.Deal(8, Two, paces.Of(Two));
        Assert.True(dealt[0].Count < dealt[1].Count);
    }

    [Fact]
    public void One_worker_is_never_dealt_anew()
    {
        var paces = new WorkerPaces();
        paces.Enter(new WorkerPace(Two[0], 1, 1000));
        Assert.False(paces.SuggestsOtherDeal(8, Even(8, [Two[0]]), [Two[0]]));
    }

    [Fact]
    public void Deal_is_even_again_when_somebody_comes_whose_pace_is_not_known()
    {
        var paces = new WorkerPaces();
        Measure(paces, Two, [1, 4]);
        Assert.True(paces.SuggestsOtherDeal(8, Even(8, Two), Two));
        Assert.Equal([4, 1], Assert.IsAssignableFrom<IReadOnlyList<double>>(paces.Of([Two[1], Two[0]])));
        Assert.Equal([4], Assert.IsAssignableFrom<IReadOnlyList<double>>(paces.Of([Two[1]])));
        Assert.Null(paces.Of(Workers(3)));
        Assert.Null(paces.Of([Two[0], Two[1] with { Incarnation = 1 }]));
    }

    private static WorkerId[] Workers(int count) => [.. Enumerable.Range(0, count).Select(number => new WorkerId(number, 0))];

    private static View Even(int shards, WorkerId[] workers) => new(1, ShardDealer.Deal(shards, workers));

    /// <summary>Enters a hundred shards of each worker.</summary>
    private static void Measure(WorkerPaces paces, WorkerId[] workers, double[] rates)
    {
        foreach ((WorkerId worker, double rate) in workers.Zip(rates))
        {
            paces.Enter(new WorkerPace(worker, 100, 100 / rate));
        }
    }

    private static double SecondsOfAStep(View view, double[] rates) => view.Ranges.Zip(rates).Max(pair => pair.First.Count / pair.Second);
}
